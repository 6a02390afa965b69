// What has succeeded or failed, said beside the page, so that nothing on it moves.
import { button, element } from "./dom.js";

/** How long a success is shown, in milliseconds. A failure stays until it is closed. */
const SHOWN_MS = 6000;

/** Notices shown at a time. */
const NOTICES_MAX = 4;

export class Notices {
  readonly #root: HTMLElement;

  /** `root` is a live region, so that screen readers say what appears in it. */
  constructor(root: HTMLElement) {
    this.#root = root;
  }

  say(text: string): void {
    const notice = this.#add(text, "notice");
    setTimeout(() => notice.remove(), SHOWN_MS);
  }

  /** Says it with a link, until it is followed or the notice is closed. */
  sayWithLink(text: string, link: HTMLAnchorElement): void {
    const notice = this.#add(text, "notice");
    link.addEventListener("click", () => notice.remove());
    notice.querySelector("p")?.append(" ", link);
  }

  /** Says why something failed. */
  fail(error: unknown): void {
    this.#add(error instanceof Error ? error.message : String(error), "notice failed");
  }

  #add(text: string, kind: string): HTMLElement {
    const notice = element("div", { class: kind }, element("p", {}, text));
    notice.append(
      button("Close", () => notice.remove(), { class: "quiet", "aria-label": `Close: ${text}` }),
    );
    this.#root.append(notice);
    while (this.#root.children.length > NOTICES_MAX) this.#root.firstElementChild?.remove();
    return notice;
  }
}
