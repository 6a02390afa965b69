// The names of topics that the fields of all forms suggest.
import { element } from "./parts/dom.js";
import type { TopicState } from "./wire.js";

export class TopicNames {
  readonly #list = element("datalist", { id: "topic-names" });

  constructor() {
    document.body.append(this.#list);
  }

  offer(topics: readonly TopicState[]): void {
    this.#list.replaceChildren(...topics.map(({ name }) => element("option", { value: name })));
  }
}
