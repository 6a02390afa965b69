// Where a group is to be reset to: what a person chooses and types, as a question to the broker.
// Leaves to others: the form (reset-panel.ts), and the places that the broker knows (offset-place.ts in src/).

/** The kinds of places, and what the choice says. */
export const RESET_KINDS = {
  earliest: "the beginning of the log",
  latest: "the end of the log",
  time: "a time",
  offset: "an offset",
  end: "so many before the end",
  shift: "so many forward, or back",
} as const;

export type ResetKind = keyof typeof RESET_KINDS;

interface ResetField {
  readonly label: string;
  readonly hint: string;
}

/** What to type for a kind; undefined if there is nothing to type. */
export const RESET_FIELDS: Readonly<Record<ResetKind, ResetField | undefined>> = {
  earliest: undefined,
  latest: undefined,
  time: { label: "Time", hint: "14:00, 2026-11-26 14:00, -1h" },
  offset: { label: "Offset", hint: "1200" },
  end: { label: "Offsets", hint: "100" },
  shift: { label: "Offsets", hint: "-100, 100" },
};

/** A time of day: the last time that it was so late. */
const TIME_OF_DAY = /^(\d{1,2}):(\d\d)(?::(\d\d))?$/;

/** A date with or without a time, and without a zone: local time, of this browser and not of the broker. */
const LOCAL_TIME = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?$/;

export function resetKindOf(text: string | null): ResetKind | undefined {
  return text !== null && Object.hasOwn(RESET_KINDS, text) ? (text as ResetKind) : undefined;
}

/** A typed text so that it means the same tomorrow, and in another time zone. */
export function settled(kind: ResetKind, typed: string, now: Date): string {
  const text = typed.trim().replace(/^@/, "");
  if (kind !== "time") return text;
  const ofDay = TIME_OF_DAY.exec(text);
  if (ofDay !== null) {
    const at = new Date(now);
    at.setHours(Number(ofDay[1]), Number(ofDay[2]), Number(ofDay[3] ?? 0), 0);
    if (at > now) at.setDate(at.getDate() - 1);
    return at.toISOString();
  }
  if (!LOCAL_TIME.test(text)) return text;
  const at = new Date(text.length === 10 ? `${text}T00:00` : text.replace(" ", "T"));
  return Number.isNaN(at.getTime()) ? text : at.toISOString();
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
