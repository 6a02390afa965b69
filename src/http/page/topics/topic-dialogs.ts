// The dialogs that change a topic. Each states the consequences first, in numbers from the broker.
// Leaves to others: the sentences (consequences.ts), requests (topic-api.ts), dialogs as such (parts/dialog.ts).
import { PARTITIONS_MAX, TOPIC_NAME_LENGTH_MAX } from "../../../limits.js";
import { openDialog } from "../parts/dialog.js";
import { element } from "../parts/dom.js";
import { choice, field } from "../parts/fields.js";
import { countOf, formatBytes } from "../parts/format.js";
import { shortText } from "../parts/names.js";
import {
  creationConsequences,
  groupNames,
  partitionConsequences,
  settingConsequences,
} from "./consequences.js";
import { Forecast } from "./forecast.js";
import { SettingFields } from "./setting-fields.js";
import { settingHint, settingInput, settingMeaning, settingText } from "./setting-text.js";
import {
  alterTopic,
  askChange,
  askReaders,
  askSettings,
  askTopic,
  createTopic,
  deleteTopic,
} from "./topic-api.js";
import type {
  AlterOrder,
  AlterOutcome,
  CreateOrder,
  NewTopic,
  TopicDetail,
  TopicSetting,
} from "./topic-wire.js";

/** The topic that a dialog is about. */
export interface NamedTopicDetail {
  readonly name: string;
  readonly detail: TopicDetail;
}

/** Where the fields of a new topic begin: with a name, or with another topic's partitions and settings. */
interface Suggestion {
  readonly name?: string;
  readonly like?: NamedTopicDetail;
}

/** Creates a topic. Resolves with its name, or undefined if it was not created. */
export async function createDialog({ name: suggested, like }: Suggestion = {}): Promise<
  string | undefined
> {
  const own = like?.detail.settings.filter(
    ({ source, isActive }) => source === "topic" && isActive,
  );
  const settings = new SettingFields(await askSettings(), own);
  const name = element("input", {
    name: "name",
    required: true,
    maxlength: TOPIC_NAME_LENGTH_MAX,
    value: suggested ?? "",
    spellcheck: "false",
  });
  const partitions = element("input", {
    name: "partitions",
    type: "number",
    min: 1,
    max: PARTITIONS_MAX,
    placeholder: "the broker's default",
    value: like?.detail.partitions ?? "",
  });
  const order = (validateOnly: boolean): CreateOrder => ({
    ...{ name: name.value.trim(), partitions: Number(partitions.value), validateOnly },
    settings: settings.values,
  });
  const forecast = new Forecast<NewTopic>(
    () => (name.value.trim() === "" ? undefined : createTopic(order(true))),
    (topic) => ({ lines: creationConsequences(topic, partitions.value === "") }),
  );
  const body = [
    field("name", name, "letters, digits, dots, underscores and hyphens"),
    field("partitions", partitions, "more can be added later, fewer can't"),
    settings.root,
    forecast.root,
  ];
  for (const input of [name, partitions]) {
    input.addEventListener("input", () => forecast.changed());
  }
  settings.onChange = () => forecast.changed();
  const isDone = await openDialog(
    {
      title: like === undefined ? "Create a topic" : `Create a topic like ${shortText(like.name)}`,
      ...{ body, action: "Create" },
      prepare: (submit) => forecast.guard(submit),
    },
    async () => {
      await createTopic(order(false));
    },
  );
  return isDone ? name.value.trim() : undefined;
}

/** Changes a setting, or leaves it to the broker again. */
export function settingDialog(
  { name, detail }: NamedTopicDetail,
  setting: TopicSetting,
): Promise<boolean> {
  const { name: key, choices, inherited } = setting;
  const given = settingInput(key, setting.value);
  const values = new Set([...choices, setting.value]);
  const input =
    choices.length > 0
      ? choice(key, Object.fromEntries([...values].map((each) => [each, each])))
      : element("input", { name: key, required: true, spellcheck: "false" });
  input.value = given;
  // What is typed replaces it, as in a choice.
  if (input instanceof HTMLInputElement)
    input.addEventListener("focus", () => input.select(), { once: true });
  const byDefault = settingText(key, inherited.value);
  const isOwn = setting.source === "topic";
  const source = choice("source", { own: "this topic", broker: `the default: ${byDefault}` });
  source.value = "own";
  const order = (): AlterOrder => {
    const isSet = source.value === "own";
    return {
      ...{ id: detail.id, partitions: 0 },
      set: isSet ? { [key]: input.value.trim() } : {},
      unset: isSet ? [] : [key],
    };
  };
  const forecast = new Forecast<AlterOutcome>(
    () => askChange(name, order()),
    (outcome) => {
      const [after] = outcome.settings;
      const value = after === undefined ? "" : settingText(key, after.after);
      const said = settingConsequences(outcome, detail);
      return {
        lines: [`${key} will be ${value}.`, ...said],
        isDanger: (outcome.deletes?.records ?? 0) > 0,
      };
    },
  );
  const changed = (): void => {
    input.disabled = source.value !== "own";
    forecast.changed();
  };
  input.addEventListener("input", changed);
  source.addEventListener("change", changed);
  const hint = choices.length > 0 ? undefined : settingHint(key, setting.type);
  const body = [
    settingMeaning(setting.documentation),
    field("value", input, hint),
    ...(isOwn ? [field("value from", source)] : []),
    forecast.root,
  ];
  return openDialog(
    {
      title: `${key} of ${shortText(name)}`,
      body,
      action: "Save",
      prepare: (it) => forecast.guard(it),
    },
    async () => {
      await alterTopic(name, order());
    },
  );
}

export function partitionsDialog({ name, detail }: NamedTopicDetail): Promise<boolean> {
  const total = element("input", {
    ...{ name: "partitions", type: "number", required: true },
    ...{ min: detail.partitions + 1, max: PARTITIONS_MAX, placeholder: detail.partitions + 1 },
  });
  const order = (): AlterOrder => ({
    ...{ id: detail.id, set: {}, unset: [] },
    partitions: Number(total.value),
  });
  const forecast = new Forecast<AlterOutcome>(
    // It can't be undone, so nothing is suggested that Enter would carry out.
    () => (total.value === "" ? undefined : askChange(name, order())),
    (outcome) => ({ lines: partitionConsequences(outcome, detail.records), isDanger: false }),
  );
  total.addEventListener("input", () => forecast.changed());
  const hint = `${countOf(detail.partitions, "partition")} now`;
  return openDialog(
    {
      title: `Add partitions to ${shortText(name)}`,
      body: [field("partitions in total", total, hint), forecast.root],
      action: "Add partitions",
      prepare: (submit) => forecast.guard(submit),
    },
    async () => {
      await alterTopic(name, order());
    },
  );
}

/** Asks whether to compact a topic now. */
export function compactDialog({ name, detail }: NamedTopicDetail): Promise<boolean> {
  const { dirtyBytes, bytes } = detail;
  const body = [
    `${formatBytes(dirtyBytes ?? 0)} of ${formatBytes(bytes)} is not compacted yet. Of the records of each key ` +
      "only the last one is kept; records that are younger than min.compaction.lag.ms wait.",
    "The broker reads all of it, and replaces segments. Clients can go on meanwhile.",
  ];
  return openDialog({ title: `Compact ${shortText(name)} now`, body, action: "Compact" }, () => {});
}

/** Deletes a topic. */
export async function deleteDialog(name: string): Promise<boolean> {
  const [detail, { readers, next }] = await Promise.all([askTopic(name), askReaders(name)]);
  const { id, partitions, records, bytes, offline } = detail;
  const groups = groupNames(
    readers.map(({ group }) => group),
    next !== null,
  );
  const body = [
    `${countOf(partitions, "partition")} with ${countOf(records, "record")} (${formatBytes(bytes)}) will be deleted for good.`,
    groups === undefined
      ? "No group has committed an offset in it."
      : `Groups that read it lose their offsets in it, and one that has no others and no members goes with them: ${groups}.`,
    ...(offline === 0
      ? []
      : [
          `${countOf(offline, "partition")} of them can't be opened; their files are deleted, too.`,
        ]),
  ];
  const typed = records > 0 || offline > 0 ? { typed: name } : {};
  return await openDialog(
    {
      title: `Delete topic ${shortText(name)}`,
      body,
      action: "Delete topic",
      isDanger: true,
      ...typed,
    },
    async () => {
      await deleteTopic(name, id);
    },
  );
}
