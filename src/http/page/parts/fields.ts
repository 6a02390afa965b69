// Labelled fields of forms.
import { element } from "./dom.js";

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** A control with its label above it, and a hint below. */
export function field(label: string, control: Control, hint?: string): HTMLLabelElement {
  const hints = hint === undefined ? [] : [element("small", {}, hint)];
  return element(
    "label",
    { class: `field field-${control.name}` },
    element("span", {}, label),
    control,
    ...hints,
  );
}

/** A box to tick, with its label beside it. */
export function toggle(label: string, name: string, onChange: (isOn: boolean) => void) {
  const box = element("input", { type: "checkbox", name });
  box.addEventListener("change", () => onChange(box.checked));
  return { root: element("label", { class: "toggle" }, box, element("span", {}, label)), box };
}

/** A choice of one of several values, by value and text. */
export function choice(name: string, options: Readonly<Record<string, string>>): HTMLSelectElement {
  return element(
    "select",
    { name },
    ...Object.entries(options).map(([value, text]) => element("option", { value }, text)),
  );
}

/** A field for the name of a topic, with suggestions. */
export function topicInput(): HTMLInputElement {
  return element("input", {
    name: "topic",
    list: "topic-names",
    required: true,
    spellcheck: "false",
  });
}

export function partitionInput(): HTMLInputElement {
  return element("input", { name: "partition", type: "number", min: 0, value: 0, required: true });
}

/** A field that filters what is below it. */
export function filterInput(label: string, onInput: (text: string) => void): HTMLInputElement {
  const input = element("input", {
    type: "search",
    name: "filter",
    placeholder: label,
    "aria-label": label,
    spellcheck: "false",
  });
  input.addEventListener("input", () => onInput(input.value));
  return input;
}
