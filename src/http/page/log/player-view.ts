// The panel that plays steps: text, buttons, keys. Leaves to others: the position (player.ts), the drawing (row.ts).
import { button, byId, element } from "../parts/dom.js";
import { Player, type Result, type Step, type StepPlace, type Story } from "./player.js";
import { mayMove } from "../parts/theme.js";

const STEP_MS = 2600;

interface PlayerHost {
  /** Shows a place on the drawing; undefined when the player is closed. */
  point(place: StepPlace | undefined): void;
  /** Shows it where it is now, for a person who may have scrolled and zoomed meanwhile. */
  follow(place: StepPlace): void;
  open(result: Result): void;
  /** A step is shown, by its number from 0. */
  stepped(number: number): void;
  /** A person has closed the player. */
  close(): void;
}

/** Plays one story at a time. */
export class PlayerView {
  readonly #host: PlayerHost;
  readonly #root = byId("player", HTMLElement);
  #player: Player | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #returnTo: Element | null = null;

  constructor(host: PlayerHost) {
    this.#host = host;
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  /**
   * Shows a story from the start, and plays it. With `from` it is for reading: it shows this step and waits. Users who
   * prefer reduced motion step through every story manually.
   */
  play(story: Story, from?: number): void {
    this.#player = new Player(story);
    if (from !== undefined) this.#player.go(from);
    // Of a story that replaces another, the focus is in the player.
    if (!this.#root.contains(document.activeElement)) this.#returnTo = document.activeElement;
    this.#root.hidden = false;
    if (mayMove() && from === undefined) this.#player.play();
    this.#show();
    this.#root.querySelector<HTMLElement>("[data-key=next]")?.focus({ preventScroll: true });
  }

  hide(): void {
    clearTimeout(this.#timer);
    if (this.#player === undefined) return;
    this.#player = undefined;
    this.#root.hidden = true;
    this.#host.point(undefined);
    if (this.#returnTo instanceof HTMLElement) this.#returnTo.focus({ preventScroll: true });
    // It may be gone or hidden meanwhile.
    if (document.activeElement !== this.#returnTo)
      byId("main", HTMLElement).focus({ preventScroll: true });
  }

  /** Shows the numbers and the place of the step as they are now, of a story whose steps change. */
  follow(): void {
    const place = this.#player?.step?.place;
    const shown = this.#root.querySelector(".step");
    if (this.#player?.step === undefined || place === undefined || shown === null) return;
    this.#host.follow(place);
    const content = element("div", {}, ...contentOf(this.#player.step, this.#player.number));
    // What is selected stays so while nothing changes.
    if (content.textContent === shown.textContent) return;
    // What changes every second is not worth hearing.
    shown.setAttribute("aria-live", "off");
    shown.replaceChildren(...content.childNodes);
  }

  #close(): void {
    this.hide();
    this.#host.close();
  }

  #show(): void {
    const player = this.#player;
    if (player?.step === undefined) return;
    const { story, step, number, isPlaying } = player;
    clearTimeout(this.#timer);
    if (isPlaying) {
      this.#timer = setTimeout(() => {
        if (player === this.#player && player.elapsed()) this.#show();
      }, STEP_MS);
    }
    const held = this.#root.querySelector<HTMLElement>("[data-key]:focus")?.dataset.key;
    const { result } = story;
    const dots = story.steps.map(({ title }, i) => {
      const current = i === number ? "step" : undefined;
      const label = `Step ${i + 1}: ${title}`;
      return button("", () => this.#go(i), {
        class: "dot",
        "aria-label": label,
        "aria-current": current,
      });
    });
    this.#root.replaceChildren(
      element("h2", {}, story.title),
      element("div", { class: "step", "aria-live": "polite" }, ...contentOf(step, number)),
      element(
        "div",
        { class: "controls" },
        button("◀ Back", () => this.#go(number - 1), {
          "data-key": "back",
          disabled: number === 0,
        }),
        button("Next ▶", () => this.#go(number + 1), {
          "data-key": "next",
          "aria-disabled": player.isLast ? "true" : undefined,
        }),
        button(isPlaying ? "Pause" : player.isLast ? "Replay" : "Play", () => this.#toggle(), {
          "data-key": "toggle",
        }),
        element("div", { class: "dots" }, ...dots),
        ...(step.link === undefined
          ? []
          : [
              element(
                "a",
                { href: step.link.href, class: "button", "data-key": "link" },
                step.link.text,
              ),
            ]),
        ...(result === undefined
          ? []
          : [button("Open the batch", () => this.#host.open(result), { "data-key": "open" })]),
        button("Close", () => this.#close(), { "data-key": "close" }),
      ),
    );
    if (held !== undefined) {
      const again = this.#root.querySelector<HTMLButtonElement>(`[data-key=${held}]`);
      (again?.disabled === true
        ? this.#root.querySelector<HTMLElement>("[data-key=next]")
        : again
      )?.focus();
    }
    this.#root.scrollTop = 0;
    this.#host.point(step.place);
    this.#host.stepped(number);
  }

  #go(number: number): void {
    this.#player?.go(number);
    this.#show();
  }

  #toggle(): void {
    if (this.#player?.isPlaying === true) this.#player.pause();
    else this.#player?.play();
    this.#show();
  }

  #key(event: KeyboardEvent): void {
    const player = this.#player;
    if (player === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event;
    if (event.key === "Escape") this.#close();
    // Arrow keys belong to the drawing or a text field that has the focus.
    else if (!(target instanceof Element) || target.closest("input, select, textarea, .track"))
      return;
    else if (event.key === "ArrowRight" || event.key === "n") this.#go(player.number + 1);
    else if (event.key === "ArrowLeft" || event.key === "p") this.#go(player.number - 1);
    else if (event.key === "r") {
      player.go(0);
      this.#toggle();
    } else return;
    event.preventDefault();
  }
}

function contentOf({ title, text, lines }: Step, number: number): HTMLElement[] {
  return [
    element("h3", {}, `${number + 1}. ${title}`),
    element("p", {}, text),
    ...(lines.length === 0
      ? []
      : [element("ol", { class: "lines" }, ...lines.map((line) => element("li", {}, line)))]),
  ];
}
