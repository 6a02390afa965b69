// Whether everything is all right, in a word, and the list of what is not, which has an address of its own: `problems=1` in
// the query of any place. Leaves to others: the list (problem-panel.ts, loaded when it is first opened).
import { byId, element, setText } from "../parts/dom.js";
import { Poll } from "../parts/poll.js";
import type { PageContext } from "../view.js";
import { askProblems } from "./problem-api.js";
import type { ProblemPanel } from "./problem-panel.js";
import { type Level, SIGNS, statusOf } from "./problem-words.js";
import type { ProblemList } from "./problem-wire.js";

/** The shortest time between two questions, in milliseconds. */
const REST_MS = 5000;

export class ProblemStatus {
  readonly #context: PageContext;
  readonly #onList: (list: ProblemList | undefined) => void;
  readonly #button = byId("problems-button", HTMLButtonElement);
  readonly #sign = element("span", { class: "sign", "aria-hidden": true });
  readonly #text = element("span");
  readonly #root = byId("problems", HTMLElement);
  readonly #poll: Poll;
  #panel: ProblemPanel | undefined;
  #list: ProblemList | undefined;

  /** Calls `onList` with what the broker answers; undefined while it does not. */
  constructor(context: PageContext, onList: (list: ProblemList | undefined) => void) {
    this.#context = context;
    this.#onList = onList;
    this.#button.append(this.#sign, this.#text);
    this.#say("unknown", "checking");
    this.#poll = new Poll((signal) => this.#ask(signal), { restMs: () => REST_MS, restFactor: 50 });
    const { router } = context;
    this.#button.addEventListener("click", () => router.showProblems(!router.areProblemsShown));
    // Nothing else on the page closes before what is on top of it.
    document.addEventListener("keydown", (event) => this.#key(event), { capture: true });
    document.addEventListener("pointerdown", ({ target }) => {
      const isInside = target instanceof Node && this.#root.parentElement?.contains(target);
      if (isInside !== true) router.showProblems(false);
    });
    // What was true when the page was hidden need not be true now.
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.#list !== undefined) this.#poll.start();
    });
  }

  /** Whether the broker responds: only then it is known how it is. */
  connected(isConnected: boolean): void {
    if (isConnected) this.#poll.start();
    else {
      this.#poll.stop();
      this.#show(undefined);
    }
  }

  /** Opens or closes the list, as the address says. */
  async open(isOpen: boolean): Promise<void> {
    this.#button.ariaExpanded = String(isOpen);
    if (!isOpen && this.#root.contains(document.activeElement)) this.#button.focus();
    this.#root.hidden = !isOpen;
    if (!isOpen || this.#panel !== undefined) return;
    const { ProblemPanel } = await import("./problem-panel.js");
    this.#panel ??= new ProblemPanel(this.#context.session.seesCluster);
    this.#root.append(this.#panel.root);
    this.#showPanel();
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const list = await askProblems(signal).catch(() => undefined);
    if (!signal.aborted) this.#show(list);
  }

  #show(list: ProblemList | undefined): void {
    this.#list = list;
    if (list === undefined) this.#say("unknown", "unknown");
    else {
      const { level, text } = statusOf(list);
      this.#say(level, text);
    }
    this.#showPanel();
    this.#onList(list);
  }

  #showPanel(): void {
    const { topics, inRates } = this.#context.model;
    if (this.#panel === undefined) return;
    let rate: number | undefined;
    for (const { name } of topics) {
      const bytes = inRates.of(name)?.bytes;
      if (bytes !== undefined) rate = (rate ?? 0) + bytes;
    }
    this.#panel.show(this.#list, rate);
  }

  #say(level: Level, text: string): void {
    this.#button.dataset.level = level;
    setText(this.#sign, SIGNS[level]);
    setText(this.#text, text);
  }

  #key(event: KeyboardEvent): void {
    const { router } = this.#context;
    if (event.key !== "Escape" || !router.areProblemsShown) return;
    // A dialog is above it.
    if (document.querySelector("dialog[open]") !== null) return;
    event.preventDefault();
    event.stopPropagation();
    router.showProblems(false);
  }
}
