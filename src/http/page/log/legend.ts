// What the colours and keys of the drawing mean. On a narrow screen it is folded: the topics come first.
import { element } from "../parts/dom.js";

const NARROW = "(max-width: 600px)";

export function legend(): HTMLElement {
  const title = "What the colours mean";
  const root = element("details", { class: "legend" }, element("summary", {}, title), list(title));
  const narrow = matchMedia(NARROW);
  const fit = (): void => {
    root.open = !narrow.matches;
  };
  narrow.addEventListener("change", fit);
  fit();
  return root;
}

function list(title: string): HTMLElement {
  return element(
    "ul",
    { "aria-label": title },
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
