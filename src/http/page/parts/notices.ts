// What has succeeded or failed, said beside the page, so that nothing on it moves.
import { button, element } from "./dom.js";

/** How long a success is shown, in milliseconds. A failure stays until it is closed. */
const SHOWN_MS = 6000;

/** How long one with a link is shown while nobody points at it or has the focus in it. */
const LINK_SHOWN_MS = 30_000;

/** Notices shown at a time. */
const NOTICES_MAX = 4;

export class Notices {
  readonly #root: HTMLElement;
  /** Those with a link. */
  readonly #ofView = new Set<HTMLElement>();

  /** `root` is a live region, so that screen readers say what appears in it. */
  constructor(root: HTMLElement) {
    this.#root = root;
  }

  say(text: string): void {
    const notice = this.#add(text, "notice");
    setTimeout(() => notice.remove(), SHOWN_MS);
  }

  /** Says it with a link, until it is followed, another view is shown, or nobody has used it for a while. */
  sayWithLink(text: string, link: HTMLAnchorElement): void {
    const notice = this.#add(text, "notice");
    link.addEventListener("click", () => notice.remove());
    notice.querySelector("p")?.append(" ", link);
    this.#ofView.add(notice);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        if (notice.matches(":hover, :focus-within")) wait();
        else this.#letGo(notice);
      }, LINK_SHOWN_MS);
    };
    notice.addEventListener("pointerleave", wait);
    notice.addEventListener("focusout", wait);
    wait();
  }

  /** Another view is shown: removes the notices that lead to something of the one before. */
  leaveView(): void {
    for (const notice of this.#ofView) this.#letGo(notice);
  }

  #letGo(notice: HTMLElement): void {
    this.#ofView.delete(notice);
    notice.remove();
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
