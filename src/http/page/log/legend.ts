// What the colours and keys of the drawing mean.
import { element } from "../parts/dom.js";

export function legend(): HTMLElement {
  return element(
    "ul",
    { class: "legend", "aria-label": "What the colours mean" },
    element("li", {}, "sealed segment"),
    element("li", { class: "active" }, "active segment"),
    element("li", { class: "unflushed" }, "not flushed yet"),
    element("li", { class: "tick" }, "index entry"),
    element("li", { class: "watermark" }, "high watermark"),
    element("li", { class: "deleted" }, "deleted records"),
    element("li", { class: "clean" }, "compacted"),
    element("li", { class: "dirty" }, "not compacted yet"),
    element("li", { class: "group" }, "committed by a group"),
    element(
      "li",
      { class: "keys" },
      ...["on a row: ", key("←"), " ", key("→"), " segment, ", key("Enter"), " open, "],
      ...[key("+"), " ", key("−"), " zoom"],
    ),
  );
}

function key(name: string): HTMLElement {
  return element("kbd", {}, name);
}
