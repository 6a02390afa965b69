// The two forms: look up a record, and produce one. Leaves to others: carrying them out (main.ts).
import { byId, element, failure } from "./parts/dom.js";
import { parseTarget, type Target } from "./log/target.js";
import type { ProduceOrder, TopicState } from "./wire.js";

export interface LookupOrder {
  readonly topic: string;
  readonly partition: number;
  readonly target: Target;
}

export class Forms {
  readonly #topics = element("datalist", { id: "topic-names" });
  readonly #lookupTopic = topicInput();
  readonly #lookupPartition = partitionInput();
  readonly #target = element("input", {
    name: "target",
    required: true,
    placeholder: "42 or 2026-07-01 12:00",
    spellcheck: "false",
  });
  readonly #produceTopic = topicInput();
  readonly #producePartition = partitionInput();
  readonly #key = element("input", { name: "key", placeholder: "none", spellcheck: "false" });
  readonly #value = element("input", { name: "value", required: true, spellcheck: "false" });
  #hasTopic = false;

  constructor(
    onLookup: (order: LookupOrder) => Promise<void>,
    onProduce: (order: ProduceOrder) => Promise<void>,
  ) {
    document.body.append(this.#topics);
    fill(
      "lookup",
      "Look up",
      [
        ["topic", this.#lookupTopic],
        ["partition", this.#lookupPartition],
        ["offset or time", this.#target],
      ],
      "Play the lookup",
      () =>
        onLookup({
          topic: this.#lookupTopic.value,
          partition: Number(this.#lookupPartition.value),
          target: parseTarget(this.#target.value),
        }),
    );
    fill(
      "produce",
      "Produce",
      [
        ["topic", this.#produceTopic],
        ["partition", this.#producePartition],
        ["key", this.#key],
        ["value", this.#value],
      ],
      "Send and follow",
      () =>
        onProduce({
          topic: this.#produceTopic.value,
          partition: Number(this.#producePartition.value),
          key: this.#key.value === "" ? null : this.#key.value,
          value: this.#value.value,
        }),
    );
  }

  offer(topics: readonly TopicState[]): void {
    this.#topics.replaceChildren(...topics.map(({ name }) => element("option", { value: name })));
    const first = topics.find(({ internal }) => !internal)?.name;
    if (this.#hasTopic || first === undefined) return;
    this.#hasTopic = true;
    for (const input of [this.#lookupTopic, this.#produceTopic]) {
      if (input.value === "") input.value = first;
    }
  }
}

function topicInput(): HTMLInputElement {
  return element("input", {
    name: "topic",
    list: "topic-names",
    required: true,
    spellcheck: "false",
  });
}

function partitionInput(): HTMLInputElement {
  return element("input", { name: "partition", type: "number", min: 0, value: 0, required: true });
}

function fill(
  id: string,
  title: string,
  fields: readonly (readonly [string, HTMLInputElement])[],
  action: string,
  onSubmit: () => Promise<void>,
): void {
  const form = byId(id, HTMLFormElement);
  const said = element("div", { class: "said" });
  form.setAttribute("aria-label", title);
  form.append(
    element("h2", {}, title),
    ...fields.map(([name, input]) =>
      element("label", { class: `field-${input.name}` }, element("span", {}, name), input),
    ),
    element("button", { type: "submit" }, action),
    said,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    said.replaceChildren();
    Promise.resolve()
      .then(onSubmit)
      .catch((error: unknown) => said.replaceChildren(failure(error)));
  });
}
