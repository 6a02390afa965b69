// The conditions of a search as rows of fields: the first one is always there. Others appear when they are asked for, and with
// them the choice to negate each, and what else a newcomer does not need.
// Leaves to others: the rest of the form (records-form.ts), what an address says (search-wire.ts).
import { SEARCH_CONDITIONS_MAX } from "../../../limits.js";
import { button, element, setText } from "../parts/dom.js";
import { choice, field } from "../parts/fields.js";
import { needsText, type SearchCondition } from "./search-wire.js";

const FIELDS = {
  any: "key, value or headers",
  key: "key",
  value: "value",
  header: "header",
  json: "JSON value",
  tombstone: "tombstones",
  keyless: "without a key",
};

/** What to write, by what is searched. */
const HINTS: Readonly<Record<string, string>> = {
  any: "text",
  key: "text",
  value: "text",
  header: "name, name=value or name contains text",
  json: "$.order.id = 123",
};

const NO_CONDITION: SearchCondition = { find: "", in: "any", isNegated: false };

export class ConditionRows {
  /** The fields of the first condition. */
  readonly first: readonly HTMLElement[];
  /** The rows of the others. */
  readonly others = element("div", { class: "more-conditions", hidden: true });
  /** Adds a row. */
  readonly adder = button("", () => this.#add(), { class: "quiet add-condition" });
  readonly #first: ConditionRow;
  #rows: ConditionRow[];
  readonly #extra: HTMLElement;
  readonly #onChange: () => void;

  /** `extra` appears with the first of the other rows. */
  constructor(extra: HTMLElement, onChange: () => void) {
    this.#extra = extra;
    this.#onChange = onChange;
    this.others.append(extra);
    this.#first = new ConditionRow("search in", onChange);
    this.first = this.#first.fields;
    this.#rows = [this.#first];
  }

  /** The conditions that are complete. */
  get conditions(): SearchCondition[] {
    return this.#rows.flatMap((row) => {
      const { condition } = row;
      return condition.find !== "" || !needsText(condition.in) ? [condition] : [];
    });
  }

  /** Whether one of them is about text, with or without capitals. */
  get hasText(): boolean {
    return this.#rows.some(({ condition }) => condition.in !== "json" && needsText(condition.in));
  }

  /** `hasExtra`: what is extra is in use. */
  fill(conditions: readonly SearchCondition[], hasExtra: boolean): void {
    const [first = NO_CONDITION, ...others] = conditions;
    this.#first.condition = first;
    this.#rows = [this.#first];
    this.others.replaceChildren(this.#extra);
    for (const condition of others) this.#append(condition);
    this.others.hidden = others.length === 0 && !hasExtra;
    this.#show();
  }

  #add(): void {
    const row = this.#append(NO_CONDITION);
    this.others.hidden = false;
    this.#show();
    row.focus();
  }

  #append(condition: SearchCondition): ConditionRow {
    const row = new ConditionRow("and in", this.#onChange);
    row.condition = condition;
    const root = element(
      "div",
      { class: "condition", role: "group", "aria-label": "Another condition" },
      ...row.fields,
      button(
        "×",
        () => {
          const focused = this.#rows[this.#rows.indexOf(row) - 1];
          this.#rows = this.#rows.filter((each) => each !== row);
          root.remove();
          this.#show();
          focused?.focus();
        },
        { "aria-label": "Remove this condition" },
      ),
    );
    this.#rows.push(row);
    this.#extra.before(root);
    return row;
  }

  #show(): void {
    const areHidden = this.others.hidden;
    setText(this.adder, areHidden ? "more …" : "and …");
    this.adder.title = areHidden
      ? "More conditions, their opposites, and fields of JSON as columns"
      : "Another condition that records must meet";
    this.adder.hidden = this.#rows.length === SEARCH_CONDITIONS_MAX;
    // A single condition is negated rarely: the choice comes with the second row, which may stay empty.
    const { isNegated } = this.#first.condition;
    this.#first.hasNegation = this.#rows.length > 1 || isNegated;
    this.#onChange();
  }
}

class ConditionRow {
  readonly fields: readonly HTMLElement[];
  readonly #in = choice("in", FIELDS);
  readonly #not = choice("not", { has: "has", not: "lacks" });
  readonly #find = element("input", { name: "find", type: "search", spellcheck: "false" });
  readonly #negation: HTMLElement;
  readonly #text: HTMLElement;

  constructor(label: string, onChange: () => void) {
    this.#negation = field("which", this.#not);
    this.#text = field("search for", this.#find);
    this.fields = [field(label, this.#in), this.#negation, this.#text];
    this.#in.addEventListener("change", () => {
      this.#hint();
      onChange();
    });
    this.#find.addEventListener("input", onChange);
    this.#hint();
  }

  get condition(): SearchCondition {
    const find = needsText(this.#in.value) ? this.#find.value : "";
    return { find, in: this.#in.value, isNegated: this.#not.value === "not" };
  }

  set condition({ find, in: where, isNegated }: SearchCondition) {
    this.#in.value = Object.hasOwn(FIELDS, where) ? where : "any";
    this.#not.value = isNegated ? "not" : "has";
    this.#find.value = find;
    this.#hint();
  }

  set hasNegation(hasNegation: boolean) {
    this.#negation.hidden = !hasNegation;
  }

  focus(): void {
    (this.#text.hidden ? this.#in : this.#find).focus();
  }

  #hint(): void {
    const isText = needsText(this.#in.value);
    this.#find.placeholder = HINTS[this.#in.value] ?? "";
    this.#text.hidden = !isText;
    const [has, not] = [...this.#not.options];
    if (has !== undefined) setText(has, isText ? "has" : "only these");
    if (not !== undefined) setText(not, isText ? "lacks" : "all others");
  }
}
