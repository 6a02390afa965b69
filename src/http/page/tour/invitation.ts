// Invites to the guided tour, until the visitor has taken it or has said no, which the browser remembers.
import { button, byId, element } from "../parts/dom.js";
import { link } from "../parts/empty.js";
import { hrefOf } from "../router.js";

const KEY = "rustlog-tour";

export class Invitation {
  readonly root = element("p", { class: "invitation" });

  #isAnswered = isAnswered();

  constructor() {
    this.root.hidden = true;
    this.root.append(
      "New to logs? A tour explains this drawing on your own data, in eight stops.",
      link("Take the tour", hrefOf("log", [], { tour: 1 })),
      button("No, thanks", () => {
        this.answer();
        byId("main", HTMLElement).focus({ preventScroll: true });
      }),
    );
  }

  /** Shows it, unless the visitor has answered. */
  offer(): void {
    this.root.hidden = this.#isAnswered;
  }

  /** Hides it for good. */
  answer(): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.root.hidden = true;
    try {
      localStorage.setItem(KEY, "answered");
    } catch {
      // A browser that stores nothing invites again.
    }
  }
}

function isAnswered(): boolean {
  try {
    return localStorage.getItem(KEY) !== null;
  } catch {
    return false;
  }
}
