// What a view says when it has nothing to show, and what to do next.
import { element } from "./dom.js";

/** `next` are links and buttons. */
export function emptyState(text: string, ...next: readonly Node[]): HTMLElement {
  const actions = next.length === 0 ? [] : [element("div", { class: "actions" }, ...next)];
  return element("div", { class: "empty-state" }, element("p", {}, text), ...actions);
}

export function link(text: string, href: string): HTMLAnchorElement {
  return element("a", { href, class: "button" }, text);
}
