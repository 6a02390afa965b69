// The headers of a record in the form: a row for each. Leaves to others: the rest of the form (produce-form.ts).
import { button, element } from "../parts/dom.js";
import { choice } from "../parts/fields.js";
import type { ProduceOrder } from "./produce-wire.js";
import { bytesOf } from "./produce-words.js";

const READINGS = { text: "text", hex: "hex", base64: "base64", null: "null" };

interface HeaderRow {
  readonly root: HTMLElement;
  readonly name: HTMLInputElement;
  readonly reading: HTMLSelectElement;
  readonly value: HTMLInputElement;
}

export class HeaderRows {
  readonly #list = element("div", { class: "header-rows" });
  readonly #add = button("Add a header", () => this.#addRow());
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

  #addRow(): void {
    const input = (label: string) =>
      element("input", { "aria-label": label, placeholder: label, spellcheck: "false" });
    const [name, value] = [input("name"), input("value")];
    const reading = choice("reading", READINGS);
    reading.ariaLabel = "The value is";
    const remove = button("Remove", () => this.#remove(row), { "aria-label": "Remove the header" });
    const root = element("div", { class: "header-row" }, name, value, reading, remove);
    const row = { root, name, reading, value };
    reading.addEventListener("change", () => {
      value.disabled = reading.value === "null";
    });
    this.#rows = [...this.#rows, row];
    this.#list.append(root);
    name.focus();
    this.#onChange();
  }

  #remove(row: HeaderRow): void {
    this.#rows = this.#rows.filter((each) => each !== row);
    row.root.remove();
    (this.#rows.at(-1)?.name ?? this.#add).focus();
    this.#onChange();
  }
}
