// The dialog that deletes the start of a topic: up to a time or an offset. It states first which offsets that are, and how much is
// deleted; then exactly those are deleted.
// Leaves to others: what is typed (trim-place.ts), the sentences (consequences.ts), requests (topic-api.ts).
import { openDialog } from "../parts/dialog.js";
import { element, setText } from "../parts/dom.js";
import { choice, field } from "../parts/fields.js";
import { countOf, formatBytes, formatCount, formatTime, zoneText } from "../parts/format.js";
import { shortText } from "../parts/names.js";
import { type Column, Table } from "../parts/table.js";
import { sumOfTrim, trimConsequence } from "./consequences.js";
import { Forecast } from "./forecast.js";
import { askTrim, trimTopic } from "./topic-api.js";
import type { NamedTopicDetail } from "./topic-dialogs.js";
import type { TrimPlan } from "./topic-wire.js";
import { TRIM_FIELDS, TRIM_KINDS, type TrimKind, trimPlace } from "./trim-place.js";

/** Partitions whose new start is listed; the sums are of all. */
const TRIM_ROWS_MAX = 100;

type Row = TrimPlan["partitions"][number];

const COLUMNS: readonly Column<Row>[] = [
  { name: "partition", title: "partition", text: ({ partition }) => String(partition) },
  {
    ...{ name: "now", title: "starts at", isNumber: true },
    text: ({ logStart }) => formatCount(logStart),
  },
  {
    name: "new",
    title: "will start at",
    isNumber: true,
    text: ({ offset }) => formatCount(offset),
  },
  {
    name: "records",
    title: "records",
    isNumber: true,
    text: ({ records }) => formatCount(records),
  },
  { name: "size", title: "size", isNumber: true, text: ({ bytes }) => formatBytes(bytes) },
];

/** Deletes the start of a topic. The offsets are those that the dialog has shown. Resolves with whether it was done. */
export function trimDialog({ name, detail }: NamedTopicDetail): Promise<boolean> {
  const kind = choice("kind", TRIM_KINDS);
  const before = element("input", { name: "before", required: true, spellcheck: "false" });
  const label = element("span");
  const beforeField = element("label", { class: "field field-before" }, label, before);
  const only = element("input", { name: "partitions", placeholder: "all", spellcheck: "false" });
  let ms: number | undefined;
  const forecast = new Forecast<TrimPlan>(
    async () => {
      const found = trimPlace(kind.value as TrimKind, before.value, new Date());
      ms = found?.ms;
      return found === undefined ? undefined : await askTrim(name, found.place, only.value);
    },
    (plan) => {
      const isUseless = sumOfTrim(plan).records === 0;
      const time =
        ms === undefined ? [] : [`Up to the first record of ${formatTime(ms)} or later.`];
      const all = `The topic has ${countOf(detail.records, "record")}.`;
      return {
        lines: [...time, trimConsequence(plan), all],
        table: isUseless ? undefined : tableOf(plan),
        ...{ isDanger: !isUseless, isUseless },
      };
    },
  );
  const fit = (): void => {
    const chosen = kind.value as TrimKind;
    const { label: text = "", hint = "" } = TRIM_FIELDS[chosen] ?? {};
    beforeField.hidden = text === "";
    before.disabled = text === "";
    before.placeholder = hint;
    setText(label, chosen === "time" ? `${text} (${zoneText()})` : text);
  };
  kind.addEventListener("change", () => {
    fit();
    forecast.changed();
  });
  for (const input of [before, only]) input.addEventListener("input", () => forecast.changed());
  fit();
  return openDialog(
    {
      title: `Trim ${shortText(name)}`,
      body: [
        field("delete records", kind),
        beforeField,
        field("partitions", only, "such as 0 or 0,2,5"),
        forecast.root,
      ],
      action: "Delete records",
      prepare: (submit) => forecast.guard(submit),
    },
    async () => {
      const { id, partitions } = forecast.answer;
      const offsets = partitions.map(({ partition, offset }) => ({ partition, offset }));
      const { partitions: done } = await trimTopic(name, { id, offsets });
      const failed = done.find(({ error }) => error !== null);
      if (failed !== undefined) throw new Error(`partition ${failed.partition}: ${failed.error}`);
    },
  );
}

function tableOf({ partitions }: TrimPlan): HTMLElement {
  const table = new Table<Row>({
    caption: "What the trim would delete",
    columns: COLUMNS,
    keyOf: ({ partition }) => String(partition),
  });
  table.show(partitions.slice(0, TRIM_ROWS_MAX));
  const left = partitions.length - TRIM_ROWS_MAX;
  const rest =
    left <= 0 ? [] : [element("p", { class: "muted" }, `and ${countOf(left, "more partition")}`)];
  return element("div", {}, table.root, ...rest);
}
