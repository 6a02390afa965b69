// The produce view: a form for one record, and its way in as steps on the drawing.
// Leaves to others: writing it (http/api/produce.ts), what the steps say (produce-steps.ts), the drawing (../log/).
import { produce } from "../api.js";
import type { LogView } from "../log/log-view.js";
import { element, failure } from "../parts/dom.js";
import { field, partitionInput, topicInput } from "../parts/fields.js";
import { hrefOf, type Route } from "../router.js";
import type { PageContext, View } from "../view.js";
import { produceStory } from "./produce-steps.js";

export class ProduceView implements View {
  readonly #context: PageContext;
  readonly #log: LogView;
  readonly #topic = topicInput();
  readonly #partition = partitionInput();
  readonly #key = element("input", { name: "key", placeholder: "none", spellcheck: "false" });
  readonly #value = element("input", { name: "value", required: true, spellcheck: "false" });
  readonly #said = element("div", { class: "said" });
  readonly root: HTMLElement;

  /** `log` shows the steps. */
  constructor(context: PageContext, log: LogView) {
    this.#context = context;
    this.#log = log;
    const form = element(
      "form",
      { id: "produce", class: "tool", autocomplete: "off", "aria-label": "Produce" },
      element("h2", {}, "Produce"),
      field("topic", this.#topic),
      field("partition", this.#partition),
      field("key", this.#key),
      field("value", this.#value),
      element("button", { type: "submit" }, "Send and follow"),
      this.#said,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#said.replaceChildren();
      this.#send().catch((error: unknown) => this.#said.replaceChildren(failure(error)));
    });
    this.root = element("div", { class: "produce-view" }, form);
  }

  show({ query }: Route): string {
    const first = this.#context.model.topics.find(({ internal }) => !internal)?.name ?? "";
    const topic = query.get("topic") ?? (this.#topic.value === "" ? first : undefined);
    if (topic !== undefined) this.#topic.value = topic;
    this.#partition.value = query.get("partition") ?? "0";
    return "Produce";
  }

  hide(): void {}

  async #send(): Promise<void> {
    const key = this.#key.value === "" ? null : this.#key.value;
    const partition = Number(this.#partition.value);
    const order = { topic: this.#topic.value, partition, key, value: this.#value.value };
    const report = await produce(order);
    this.#context.router.go(hrefOf("log"));
    await this.#log.play(
      report.topic,
      report.partition,
      ({ state }) => state.logEnd > report.offset,
      (shape) => produceStory(report, shape),
    );
  }
}
