// The headers of a record in the form: a row for each. Leaves to others: the rest of the form (produce-form.ts).
import { button, element } from "../parts/dom.js";
import { choice } from "../parts/fields.js";
import type { ProduceOrder } from "./produce-wire.js";
import { bytesOf, READINGS } from "./produce-words.js";
import type { RecordCopy } from "./record-copy.js";

const VALUE_READINGS = { ...READINGS, null: "null" };

interface HeaderRow {
  readonly root: HTMLElement;
  readonly name: HTMLInputElement;
  readonly reading: HTMLSelectElement;
  readonly value: HTMLInputElement;
}

export class HeaderRows {
  readonly #list = element("div", { class: "header-rows" });
  readonly #add = button("Add a header", () => this.#begin());
  readonly root = element(
    "fieldset",
    { class: "headers" },
    element("legend", {}, "headers"),
    this.#list,
    this.#add,
  );
  readonly #onChange: () => void;
  #rows: readonly HeaderRow[] = [];

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  get headers(): NonNullable<ProduceOrder["headers"]> {
    return this.#rows.map(({ name, reading, value }) => ({
      name: name.value,
      value: bytesOf(value.value, reading.value),
    }));
  }

  /** Shows these headers instead of those before. */
  fill(headers: RecordCopy["headers"]): void {
    for (const { root } of this.#rows) root.remove();
    this.#rows = [];
    for (const { name, value } of headers) {
      const row = this.#addRow();
      row.name.value = name;
      row.value.value = value.text;
      // An empty field of text is an empty value.
      row.reading.value = value.reading === "empty" ? "text" : value.reading;
      row.value.disabled = value.reading === "null";
    }
  }

  #begin(): void {
    this.#addRow().name.focus();
    this.#onChange();
  }

  #addRow(): HeaderRow {
    const input = (label: string) =>
      element("input", { "aria-label": label, placeholder: label, spellcheck: "false" });
    const [name, value] = [input("name"), input("value")];
    const reading = choice("reading", VALUE_READINGS);
    reading.ariaLabel = "The value is";
    const remove = button("Remove", () => this.#remove(row), { "aria-label": "Remove the header" });
    const root = element("div", { class: "header-row" }, name, value, reading, remove);
    const row: HeaderRow = { root, name, reading, value };
    reading.addEventListener("change", () => {
      value.disabled = reading.value === "null";
    });
    root.addEventListener("keydown", ({ key, target, ctrlKey, metaKey, isComposing }) => {
      if (key !== "Enter" || ctrlKey || metaKey || isComposing) return;
      if (target === name) value.focus();
      else if (target === value) this.#begin();
    });
    this.#rows = [...this.#rows, row];
    this.#list.append(root);
    return row;
  }

  #remove(row: HeaderRow): void {
    this.#rows = this.#rows.filter((each) => each !== row);
    row.root.remove();
    (this.#rows.at(-1)?.name ?? this.#add).focus();
    this.#onChange();
  }
}
