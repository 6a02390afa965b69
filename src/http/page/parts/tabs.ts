// Tabs: one of several panels is shown; arrow keys move between the tabs.
import { element } from "./dom.js";

export class Tabs {
  readonly root = element("div", { role: "tablist", class: "tabs" });
  readonly #tabs = new Map<string, HTMLButtonElement>();
  readonly #onChoice: (name: string) => void;

  /** `tabs` are names and texts. `panel` is what all of them show. `onChoice` is called when a person chooses one. */
  constructor(
    label: string,
    tabs: Readonly<Record<string, string>>,
    panel: HTMLElement,
    onChoice: (name: string) => void,
  ) {
    this.#onChoice = onChoice;
    this.root.ariaLabel = label;
    panel.setAttribute("role", "tabpanel");
    panel.ariaLabel = label;
    for (const [name, text] of Object.entries(tabs)) {
      const tab = element("button", { type: "button", role: "tab" }, text);
      tab.addEventListener("click", () => this.#choose(name));
      this.#tabs.set(name, tab);
      this.root.append(tab);
    }
    this.root.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Marks a tab as chosen. */
  set chosen(name: string) {
    for (const [each, tab] of this.#tabs) {
      tab.ariaSelected = String(each === name);
      tab.tabIndex = each === name ? 0 : -1;
    }
  }

  #choose(name: string): void {
    this.chosen = name;
    this.#onChoice(name);
  }

  #key(event: KeyboardEvent): void {
    const names = [...this.#tabs.keys()];
    const now = names.findIndex((name) => this.#tabs.get(name)?.ariaSelected === "true");
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: now + 1,
      ArrowLeft: now - 1,
      Home: 0,
      End: names.length - 1,
    };
    const next = steps[event.key];
    const name = next === undefined ? undefined : names.at(next % names.length);
    if (name === undefined) return;
    event.preventDefault();
    this.#choose(name);
    this.#tabs.get(name)?.focus();
  }
}
