// The form of lookups: which record to look for. Leaves to others: looking it up (log-view.ts).
import { element, failure } from "../parts/dom.js";
import { field, partitionInput, topicInput } from "../parts/fields.js";
import { zoneText } from "../parts/format.js";
import { shownTime } from "../parts/typed-time.js";
import type { TopicState } from "../wire.js";
import { parseTarget, settledTarget, type Target } from "./target.js";

export interface LookupOrder {
  readonly topic: string;
  readonly partition: number;
  readonly target: Target;
  /** The target for the address. */
  readonly text: string;
}

export class LookupForm {
  readonly #topic = topicInput();
  readonly #partition = partitionInput();
  readonly #target = element("input", {
    name: "target",
    required: true,
    placeholder: "42, 14:00 or 2026-07-01 12:00",
    spellcheck: "false",
  });
  readonly #said = element("div", { class: "said" });
  readonly root = element(
    "form",
    { id: "lookup", class: "tool", autocomplete: "off", "aria-label": "Look up" },
    element("h2", {}, "Look up"),
    field("topic", this.#topic),
    field("partition", this.#partition),
    field(`offset or time, ${zoneText()}`, this.#target),
    element("button", { type: "submit" }, "Play the lookup"),
    this.#said,
  );

  /** Whether the topic was entered on purpose. */
  #isSettled = false;

  constructor(onLookup: (order: LookupOrder) => Promise<void>) {
    this.root.addEventListener("input", () => {
      this.#said.replaceChildren();
      this.#isSettled = true;
    });
    this.root.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#said.replaceChildren();
      Promise.resolve()
        .then(() => onLookup(this.#order()))
        .then(() => this.root.classList.remove("asked"))
        .catch((error: unknown) => this.#said.replaceChildren(failure(error)));
    });
  }

  /** Puts the focus where the target is entered; for `topic` if there is one. */
  ask(topic: string | undefined, partition: string | undefined): void {
    if (topic !== undefined) this.#enter(topic);
    if (partition !== undefined) this.#partition.value = partition;
    // On a narrow screen it is only there when it is asked for.
    this.root.classList.add("asked");
    this.#target.focus();
    this.root.scrollIntoView({ block: "nearest" });
  }

  /** Enters what the page shows. */
  fill(topic: string, partition: number | undefined, target: string | undefined): void {
    this.#enter(topic);
    this.#partition.value = String(partition ?? 0);
    if (target !== undefined) this.#target.value = shownTime(target);
  }

  /** Enters the first topic, best one that has records, unless a topic was entered on purpose. */
  offer(topics: readonly TopicState[], hasRecords: (topic: string) => boolean): void {
    if (this.#isSettled) return;
    const own = topics.filter(({ internal }) => !internal);
    const found = own.find(({ name }) => hasRecords(name));
    this.#topic.value = (found ?? own[0])?.name ?? "";
    this.#isSettled = found !== undefined;
  }

  #enter(topic: string): void {
    this.#topic.value = topic;
    this.#isSettled = true;
  }

  #order(): LookupOrder {
    const text = settledTarget(this.#target.value);
    const partition = Number(this.#partition.value);
    return { topic: this.#topic.value, partition, text, target: parseTarget(text) };
  }
}
