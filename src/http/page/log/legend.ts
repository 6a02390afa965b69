// What the colours and keys of the drawing mean.
import { element } from "../parts/dom.js";

export class Legend {
  readonly #compaction = [
    element("li", { class: "clean", hidden: true }, "compacted"),
    element("li", { class: "dirty", hidden: true }, "not compacted yet"),
  ];
  readonly root = element(
    "ul",
    { class: "legend", "aria-label": "What the colours mean" },
    element("li", {}, "sealed segment"),
    element("li", { class: "active" }, "active segment"),
    element("li", { class: "unflushed" }, "not flushed yet"),
    element("li", { class: "tick" }, "index entry"),
    element("li", { class: "watermark" }, "high watermark"),
    ...this.#compaction,
    element("li", { class: "group" }, "committed by a group"),
    element(
      "li",
      { class: "keys" },
      ...["on a row: ", key("←"), " ", key("→"), " segment, ", key("Enter"), " open, "],
      ...[key("+"), " ", key("−"), " zoom"],
    ),
  );

  /** Whether any topic is compacted: the colours of compaction are of no use without one. */
  set isCompacting(isIt: boolean) {
    for (const item of this.#compaction) item.hidden = !isIt;
  }
}

function key(name: string): HTMLElement {
  return element("kbd", {}, name);
}
