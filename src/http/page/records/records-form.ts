// What to show: topic, partition, where to start and end, and what to search for.
// Leaves to others: the conditions of a search (condition-rows.ts), carrying it out (records-view.ts).
import { SHOWN_FIELDS_MAX } from "../../../limits.js";
import { element } from "../parts/dom.js";
import { field, toggle, topicInput } from "../parts/fields.js";
import { zoneText } from "../parts/format.js";
import { shownTime, TIME_EXAMPLES, typedPlace } from "../parts/typed-time.js";
import { ConditionRows } from "./condition-rows.js";
import { firstPageOf, type RecordsPlace, withRange } from "./records-place.js";
import { shownPaths } from "./shown-paths.js";

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
  readonly #show = element("input", {
    ...{ name: "show", list: "shown-paths", spellcheck: "false" },
    placeholder: "$.order.id, $.order.status",
    title: `up to ${SHOWN_FIELDS_MAX} paths in JSON values, or after “key.” in keys: each becomes a column`,
  });
  readonly #paths = element("datalist", { id: "shown-paths" });
  #suggested: readonly string[] = [];
  readonly #conditions = new ConditionRows(field("JSON fields as columns", this.#show), () =>
    this.#hint(),
  );
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
      ...this.#conditions.first,
      this.#conditions.others,
      this.#case.root,
      this.#conditions.adder,
      this.#submit,
      element("datalist", { id: "record-starts" }, ...starts),
      this.#paths,
    );
    this.#show.addEventListener("input", () => this.#suggest());
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
    this.#show.value = place.show;
    this.#conditions.fill(place.conditions, place.show !== "");
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
      conditions: this.#conditions.conditions,
      show: this.#show.value.trim(),
      ignoresCase: this.#case.box.checked,
      ...{ keys: "", isTail: false, record: undefined, isUtc: false, tab: "" },
    });
    return withRange(place);
  }

  /** Paths that the records in the list have. */
  set suggestedPaths(paths: readonly string[]) {
    this.#suggested = paths;
    this.#suggest();
  }

  /** A suggestion is the whole text, so each begins with what is there before the last comma. */
  #suggest(): void {
    const chosen = shownPaths(this.#show.value.replace(/[^,]*$/, ""));
    const left = this.#suggested.filter((path) => !chosen.includes(path));
    const options = left.map((path) => element("option", { value: [...chosen, path].join(", ") }));
    this.#paths.replaceChildren(...options);
  }

  #hint(): void {
    const { conditions } = this.#conditions;
    this.#submit.textContent = conditions.length === 0 ? "Show" : "Search";
    this.#case.root.hidden = !this.#conditions.hasText;
  }
}
