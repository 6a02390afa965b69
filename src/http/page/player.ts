// Steps that are played one after another: which one is shown, and what plays next. Pure: a clock is handed in.
// Leaves to others: making the steps (lookup-steps.ts, produce-steps.ts), showing them (player-view.ts).
import type { Highlight } from "./drawing.ts";
import type { Span } from "./log-shape.ts";

export interface StepPlace {
  readonly topic: string;
  readonly partition: number;
  /** The stretch to zoom to; the whole log without it. */
  readonly span?: Span | undefined;
  readonly highlights: readonly Highlight[];
}

export interface Step {
  readonly title: string;
  readonly text: string;
  /** Numbers that were compared, the bytes that were written: shown in lines under the text. */
  readonly lines: readonly string[];
  readonly place: StepPlace;
}

/** What can be opened at the end. */
export interface Result {
  readonly topic: string;
  readonly partition: number;
  readonly segment: number;
  readonly position: number;
  readonly offset: number;
}

/** Steps with a title, and what they lead to. */
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

  /** Number of the step that is shown, from 0. */
  get number(): number {
    return this.#number;
  }

  get step(): Step | undefined {
    return this.story.steps[this.#number];
  }

  /** Whether it goes on by itself. */
  get isPlaying(): boolean {
    return this.#isPlaying;
  }

  /** Whether there is no further step. */
  get isLast(): boolean {
    return this.#number >= this.story.steps.length - 1;
  }

  /** Goes on by itself from here, or from the start if this is the end. */
  play(): void {
    if (this.isLast) this.#number = 0;
    this.#isPlaying = this.story.steps.length > 1;
  }

  pause(): void {
    this.#isPlaying = false;
  }

  /** Called when a step has been shown long enough; returns whether another one is shown now. */
  elapsed(): boolean {
    if (!this.#isPlaying || this.isLast) return false;
    this.#number++;
    if (this.isLast) this.#isPlaying = false;
    return true;
  }

  /** Shows a step, and stays there. */
  go(number: number): void {
    this.#isPlaying = false;
    this.#number = Math.max(0, Math.min(number, this.story.steps.length - 1));
  }
}
