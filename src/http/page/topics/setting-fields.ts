// Fields for some of the settings that a topic may have: each a choice of a name, and a value.
// Leaves to others: checking the values, which the broker does.
import { button, element, setText } from "../parts/dom.js";
import { choice } from "../parts/fields.js";
import { settingHint, settingInput, settingMeaning, settingText } from "./setting-text.js";
import type { TopicSetting } from "./topic-wire.js";

interface Line {
  readonly name: HTMLSelectElement;
  readonly value: HTMLInputElement;
}

export class SettingFields {
  readonly root = element("fieldset", { class: "setting-fields" });
  readonly #known: ReadonlyMap<string, TopicSetting>;
  readonly #lines = new Set<Line>();
  /** Called when a value has changed. */
  onChange: () => void = () => {};
  readonly #add = button("Add a setting", () => this.#addLine().focus());

  /** `given` are values to begin with. */
  constructor(known: readonly TopicSetting[], given: readonly TopicSetting[] = []) {
    // The others have no effect.
    this.#known = new Map(known.filter(({ isActive }) => isActive).map((it) => [it.name, it]));
    this.root.append(element("legend", {}, "settings"), this.#add);
    for (const setting of given) this.#addLine(setting);
  }

  /** The values by name, without those that are not filled in. */
  get values(): Readonly<Record<string, string>> {
    const filled = [...this.#lines].filter(({ value }) => value.value.trim() !== "");
    return Object.fromEntries(filled.map(({ name, value }) => [name.value, value.value.trim()]));
  }

  #addLine(given?: TopicSetting): HTMLElement {
    const names = [...this.#known.keys()];
    const used = new Set([...this.#lines].map(({ name }) => name.value));
    const name = choice("setting", Object.fromEntries(names.map((each) => [each, each])));
    name.value =
      given?.name ??
      OFTEN_SET.find((each) => !used.has(each)) ??
      names.find((it) => !used.has(it)) ??
      "";
    name.ariaLabel = "setting";
    const value = element("input", {
      ...{ name: "setting-value", spellcheck: "false", "aria-label": "value" },
      ...{ list: "setting-choices" },
      value: given === undefined ? "" : settingInput(given.name, given.value),
    });
    const hint = element("small");
    const choices = element("datalist", { id: "setting-choices" });
    const line = { name, value };
    const root = element(
      "div",
      { class: "setting-line" },
      name,
      value,
      button("Remove", () => {
        root.remove();
        this.#lines.delete(line);
        this.onChange();
        this.#add.focus();
      }),
      hint,
    );
    value.addEventListener("focus", () => {
      const offered = this.#known.get(name.value)?.choices ?? [];
      choices.replaceChildren(...offered.map((each) => element("option", { value: each })));
      if (!choices.isConnected) {
        document.querySelector("#setting-choices")?.remove();
        root.append(choices);
      }
    });
    const explain = (): void => setText(hint, this.#hintOf(name.value));
    name.addEventListener("change", () => {
      explain();
      this.onChange();
    });
    value.addEventListener("input", () => this.onChange());
    explain();
    this.#lines.add(line);
    this.#add.before(root);
    return name;
  }

  #hintOf(name: string): string {
    const setting = this.#known.get(name);
    if (setting === undefined) return "";
    const { documentation, value, type, choices } = setting;
    const form = choices.length > 0 ? choices.join(", ") : settingHint(name, type);
    return `${settingMeaning(documentation)} Without it: ${settingText(name, value)}. Write ${form}.`;
  }
}

/** What is set most often. */
const OFTEN_SET = ["retention.ms", "cleanup.policy", "retention.bytes", "segment.bytes"];
