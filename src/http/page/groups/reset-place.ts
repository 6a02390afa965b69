// Where a group is to be reset to: what a person chooses and types, as a question to the broker.
// Leaves to others: the form (reset-panel.ts), times (parts/typed-time.ts), and the places that the broker knows
// (offset-place.ts in src/).
import { TIME_EXAMPLES, typedTime } from "../parts/typed-time.js";

/** The kinds of places, and what the choice says. The first one is chosen at first: it does nothing until a time is typed. */
export const RESET_KINDS = {
  time: "a time",
  offset: "an offset",
  earliest: "the beginning of the log",
  latest: "the end of the log",
  end: "before the end, by",
  shift: "forward, or back, by",
} as const;

export type ResetKind = keyof typeof RESET_KINDS;

interface ResetField {
  readonly label: string;
  readonly hint: string;
}

/** What to type for a kind; undefined if there is nothing to type. */
export const RESET_FIELDS: Readonly<Record<ResetKind, ResetField | undefined>> = {
  time: { label: "Time", hint: TIME_EXAMPLES },
  offset: { label: "Offset", hint: "1200" },
  earliest: undefined,
  latest: undefined,
  end: { label: "Offsets", hint: "100" },
  shift: { label: "Offsets", hint: "1 skips one, -100 reads 100 again" },
};

export function resetKindOf(text: string | null): ResetKind | undefined {
  return text !== null && Object.hasOwn(RESET_KINDS, text) ? (text as ResetKind) : undefined;
}

/** A typed text so that it means the same tomorrow, and in another time zone. */
export function settled(kind: ResetKind, typed: string, now: Date): string {
  const text = typed.trim().replace(/^@/, "");
  return (kind === "time" ? typedTime(text, now)?.toISOString() : undefined) ?? text;
}

/** The question for a place. What is not valid, the broker refuses with a reason. */
export function placeQuery(kind: ResetKind, text: string): { to: string } | { shift: string } {
  switch (kind) {
    case "earliest":
    case "latest":
      return { to: kind };
    case "time":
      return { to: `@${text}` };
    case "offset":
      return { to: text };
    case "end":
      return { to: `-${text}` };
    case "shift":
      return { shift: text };
  }
}
