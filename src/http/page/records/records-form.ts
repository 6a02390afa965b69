// What to show: topic, partition, where to start and end, and what to search for.
// Leaves to others: carrying it out (records-view.ts).
import { element } from "../parts/dom.js";
import { choice, field, toggle, topicInput } from "../parts/fields.js";
import { zoneText } from "../parts/format.js";
import { shownTime, TIME_EXAMPLES, typedPlace } from "../parts/typed-time.js";
import { firstPageOf, type RecordsPlace, withRange } from "./records-place.js";

const FIELDS = {
  any: "key, value or headers",
  key: "key",
  value: "value",
  header: "header",
  json: "JSON value",
};

/** What to write into the search, by what is searched. */
const HINTS: Readonly<Record<string, string>> = {
  any: "text",
  key: "text",
  value: "text",
  header: "name, name=value or name contains text",
  json: "$.order.id = 123",
};

/** What a start may look like. */
const STARTS = ["latest", "earliest", "-100", "-10m", "-1h", "yesterday 14:00", "2026-07-01 12:00"];

export class RecordsForm {
  readonly root: HTMLFormElement;
  readonly #topic = topicInput();
  readonly #partition = element("input", {
    ...{ name: "partition", placeholder: "all", inputmode: "numeric", pattern: "\\d*" },
    spellcheck: "false",
  });
  readonly #from = element("input", {
    ...{ name: "from", placeholder: "newest", list: "record-starts", spellcheck: "false" },
    title: `earliest, latest, an offset, -N (from the end), or a time: ${TIME_EXAMPLES}; or a range: @-1h:@-10m`,
  });
  readonly #to = element("input", {
    ...{ name: "to", placeholder: "end", list: "record-starts", spellcheck: "false" },
    title: "where to end, in the same form as the start",
  });
  readonly #in = choice("in", FIELDS);
  readonly #find = element("input", { name: "find", type: "search", spellcheck: "false" });
  readonly #case = toggle("ignore case", "case", () => {});
  readonly #submit = element("button", { type: "submit" }, "Show");

  constructor(onSubmit: (place: RecordsPlace) => void) {
    const starts = STARTS.map((value) => element("option", { value }));
    this.root = element(
      "form",
      { class: "tool records-form", autocomplete: "off", role: "search", "aria-label": "Records" },
      field("topic", this.#topic),
      field("partition", this.#partition),
      field(`from offset or time, ${zoneText()}`, this.#from),
      field("to", this.#to),
      field("search in", this.#in),
      field("search for", this.#find),
      this.#case.root,
      this.#submit,
      element("datalist", { id: "record-starts" }, ...starts),
    );
    this.#in.addEventListener("change", () => this.#hint());
    this.#find.addEventListener("input", () => this.#hint());
    this.root.addEventListener("submit", (event) => {
      event.preventDefault();
      onSubmit(this.#place());
    });
  }

  /** Fills in a place. */
  fill(place: RecordsPlace): void {
    this.#topic.value = place.topic;
    this.#partition.value = place.partition === undefined ? "" : String(place.partition);
    this.#from.value = shownTime(place.from);
    this.#to.value = shownTime(place.to);
    this.#in.value = Object.hasOwn(FIELDS, place.in) ? place.in : "any";
    this.#find.value = place.find;
    this.#case.box.checked = place.ignoresCase;
    this.#hint();
  }

  #place(): RecordsPlace {
    const partition = this.#partition.value.trim();
    const now = new Date();
    const place = firstPageOf({
      topic: this.#topic.value.trim(),
      partition: partition === "" ? undefined : Number(partition),
      from: typedPlace(this.#from.value, now),
      to: typedPlace(this.#to.value, now),
      ...{ at: "", dir: "" },
      find: this.#find.value,
      in: this.#in.value,
      ignoresCase: this.#case.box.checked,
      ...{ keys: "", isTail: false, record: undefined, isUtc: false, tab: "" },
    });
    return withRange(place);
  }

  #hint(): void {
    this.#find.placeholder = HINTS[this.#in.value] ?? "";
    this.#submit.textContent = this.#find.value === "" ? "Show" : "Search";
    this.#case.root.hidden = this.#in.value === "json";
  }
}
