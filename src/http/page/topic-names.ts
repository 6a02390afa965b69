// The names of topics that the fields of all forms suggest. The list is made when such a field gets the focus: there may be
// thousands of names, and most pages are only looked at.
import { element } from "./parts/dom.js";
import type { TopicState } from "./wire.js";

const ID = "topic-names";

export class TopicNames {
  readonly #list = element("datalist", { id: ID });
  #topics: readonly TopicState[] = [];
  #isFilled = true;

  constructor() {
    document.body.append(this.#list);
    document.addEventListener("focusin", () => this.#fillIfUsed());
  }

  offer(topics: readonly TopicState[]): void {
    this.#topics = topics;
    this.#isFilled = false;
    this.#fillIfUsed();
  }

  #fillIfUsed(): void {
    if (this.#isFilled || document.activeElement?.getAttribute("list") !== ID) return;
    this.#isFilled = true;
    const options = this.#topics.map(({ name }) => element("option", { value: name }));
    this.#list.replaceChildren(...options);
  }
}
