// Invites to the guided tour, until the visitor has taken it or has said no, which the browser remembers.
import { button, byId, element } from "../parts/dom.js";
import { link } from "../parts/empty.js";
import { hrefOf } from "../router.js";

const KEY = "rustlog-tour";

export class Invitation {
  readonly root = element("p", { class: "invitation" });

  constructor() {
    this.root.hidden = isAnswered();
    this.root.append(
      "New to logs? A tour explains this drawing on your own data, in eight stops.",
      link("Take the tour", hrefOf("log", [], { tour: 1 })),
      button("No, thanks", () => {
        this.answer();
        byId("main", HTMLElement).focus({ preventScroll: true });
      }),
    );
  }

  /** Hides it for good. */
  answer(): void {
    if (this.root.hidden) return;
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
