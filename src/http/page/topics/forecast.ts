// What a change would do, as a person fills in the fields of its dialog. The change can be made only once the broker has answered.
// Leaves to others: the question and the sentences (topic-dialogs.ts).
import { isPassing } from "../api.js";
import { element, failure } from "../parts/dom.js";

/** How long nothing is typed before the broker is asked, in milliseconds. */
const PAUSE_MS = 250;

/** Time until the broker is asked again that did not answer, in milliseconds. */
const RETRY_MS = 2000;

interface Sentences {
  readonly lines: readonly string[];
  /** The same in numbers. */
  readonly table?: HTMLElement | undefined;
  /** Whether something is lost. */
  readonly isDanger?: boolean;
  /** Whether there is nothing to do. */
  readonly isUseless?: boolean;
}

export class Forecast<Answer> {
  readonly root = element("div", { class: "forecast", "aria-live": "polite" });
  readonly #ask: () => Promise<Answer | undefined> | undefined;
  readonly #say: (answer: Answer) => Sentences;
  #submit: HTMLButtonElement | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;
  #answer: Answer | undefined;

  /** `ask` returns undefined while the fields are not filled in. */
  constructor(
    ask: () => Promise<Answer | undefined> | undefined,
    say: (answer: Answer) => Sentences,
  ) {
    this.#ask = ask;
    this.#say = say;
  }

  /** The answer to what the fields say now. */
  get answer(): Answer {
    if (this.#answer === undefined)
      throw new Error("the broker has not said yet what this would do");
    return this.#answer;
  }

  /** Asks for the first time. From now on the button can only be used while the consequences are shown. */
  guard(submit: HTMLButtonElement): void {
    this.#submit = submit;
    submit.disabled = true;
    void this.#update();
  }

  /** The fields have changed. */
  changed(): void {
    this.#answer = undefined;
    this.#asked++;
    if (this.#submit !== undefined) this.#submit.disabled = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#update(), PAUSE_MS);
  }

  async #update(): Promise<void> {
    const asked = this.#asked;
    try {
      const answer = await this.#ask();
      if (asked !== this.#asked) return;
      this.#show(answer);
    } catch (error) {
      if (asked !== this.#asked) return;
      this.root.replaceChildren(failure(error));
      // After a restart of the broker, say: the fields are as they were.
      if (isPassing(error) && this.root.isConnected)
        this.#timer = setTimeout(() => void this.#update(), RETRY_MS);
    }
  }

  #show(answer: Answer | undefined): void {
    this.#answer = answer;
    if (answer === undefined) {
      this.root.replaceChildren();
      return;
    }
    const { lines, table, isDanger = false, isUseless = false } = this.#say(answer);
    const said = lines.map((line) => element("p", {}, line));
    this.root.replaceChildren(...said, ...(table === undefined ? [] : [table]));
    this.root.classList.toggle("loses", isDanger);
    this.#submit?.classList.toggle("danger", isDanger);
    if (this.#submit !== undefined) this.#submit.disabled = isUseless;
  }
}
