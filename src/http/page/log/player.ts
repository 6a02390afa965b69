// The position in a sequence of steps, and playing it. Pure: the caller runs the clock.
// Leaves to others: building the steps (lookup-steps.ts, produce-steps.ts), showing them (player-view.ts).
import type { Highlight } from "./drawing.js";
import type { Span } from "./log-shape.js";

export interface StepPlace {
  readonly topic: string;
  readonly partition: number;
  /** The span to zoom to; the whole log if undefined. */
  readonly span?: Span | undefined;
  readonly highlights: readonly Highlight[];
}

export interface Step {
  readonly title: string;
  readonly text: string;
  /** Details shown as lines below the text: compared numbers, written bytes. */
  readonly lines: readonly string[];
  /** Where it is on the drawing; undefined if nowhere. */
  readonly place: StepPlace | undefined;
  /** Where to go from here. */
  readonly link?: { readonly text: string; readonly href: string } | undefined;
}

/** What can be opened at the end. */
export interface Result {
  readonly topic: string;
  readonly partition: number;
  readonly segment: number;
  readonly position: number;
  readonly offset: number;
}

/** Steps with a title and a result. */
export interface Story {
  readonly title: string;
  readonly steps: readonly Step[];
  readonly result: Result | undefined;
}

export class Player {
  readonly story: Story;
  #number = 0;
  #isPlaying = false;

  constructor(story: Story) {
    this.story = story;
  }

  /** Index of the shown step. */
  get number(): number {
    return this.#number;
  }

  get step(): Step | undefined {
    return this.story.steps[this.#number];
  }

  /** Whether it advances automatically. */
  get isPlaying(): boolean {
    return this.#isPlaying;
  }

  get isLast(): boolean {
    return this.#number >= this.story.steps.length - 1;
  }

  /** Advances automatically from here, or from the start if this is the last step. */
  play(): void {
    if (this.isLast) this.#number = 0;
    this.#isPlaying = this.story.steps.length > 1;
  }

  pause(): void {
    this.#isPlaying = false;
  }

  /** Call this when a step has been shown long enough. Returns whether another step is shown now. */
  elapsed(): boolean {
    if (!this.#isPlaying || this.isLast) return false;
    this.#number++;
    if (this.isLast) this.#isPlaying = false;
    return true;
  }

  /** Shows a step and pauses. */
  go(number: number): void {
    this.#isPlaying = false;
    const last = this.story.steps.length - 1;
    this.#number = Math.max(0, Math.min(Math.trunc(number) || 0, last));
  }
}
