// Up to where a topic is trimmed: what a person chooses and types, as a place that the broker knows. Pure.
// Leaves to others: the dialog (trim-dialog.ts), times (parts/typed-time.ts).
import { tryParseTime } from "../../../offset-place.js";
import { TIME_EXAMPLES, typedTime } from "../parts/typed-time.js";

/** The choices. The first one, which is chosen at first, deletes nothing until a time is typed. */
export const TRIM_KINDS = {
  time: "before a time",
  offset: "before an offset",
  keep: "all but the last ones of each partition",
  all: "all",
} as const;

export type TrimKind = keyof typeof TRIM_KINDS;

/** What to type, and an example; undefined for nothing. */
export const TRIM_FIELDS: Readonly<
  Record<TrimKind, { readonly label: string; readonly hint: string } | undefined>
> = {
  time: { label: "first time to keep", hint: TIME_EXAMPLES },
  offset: { label: "first offset to keep", hint: "1200" },
  keep: { label: "records to keep", hint: "1000" },
  all: undefined,
};

/** The first place to keep, and its time if it is one; undefined while the text is not filled in. Throws if it is wrong. */
export function trimPlace(
  kind: TrimKind,
  typed: string,
  now: Date,
): { readonly place: string; readonly ms?: number } | undefined {
  const text = typed.trim();
  if (kind === "all") return { place: "latest" };
  if (text === "") return undefined;
  if (kind === "time") {
    const bare = text.replace(/^@/, "");
    const ms = typedTime(bare, now)?.getTime() ?? tryParseTime(bare, now.getTime());
    if (ms === undefined) throw new Error(`expected a time: ${TIME_EXAMPLES}`);
    return { place: `@${ms}`, ms };
  }
  const digits = text.replaceAll(/[,_]/g, "");
  if (!/^\d{1,16}$/.test(digits)) throw new Error("expected a whole number");
  return { place: kind === "keep" ? `-${digits}` : digits };
}
