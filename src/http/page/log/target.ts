// Parses what a person wants to look up. Pure. Leaves to others: the form (lookup-form.ts), the lookup (the broker).
import { tryParseTime } from "../../../offset-place.js";
import { typedPlace } from "../parts/typed-time.js";

/** An offset, or a time in milliseconds. */
export type Target = { readonly offset: number } | { readonly timestamp: number };

/** Parses an offset or a time; a time without a zone is the reader's. Throws for anything else. */
export function parseTarget(text: string, now = new Date()): Target {
  const place = typedPlace(text, now);
  if (/^\d[\d,_]*$/.test(place)) {
    const offset = Number(place.replaceAll(/[,_]/g, ""));
    if (Number.isSafeInteger(offset)) return { offset };
  }
  const timestamp = place.startsWith("@") ? tryParseTime(place.slice(1), now.getTime()) : undefined;
  if (timestamp === undefined)
    throw new Error("expected an offset such as 42, or a time such as 2026-07-01 12:00");
  return { timestamp };
}

/** The same for an address: a time is a moment, whatever the zone of who follows the link. */
export function settledTarget(text: string): string {
  return typedPlace(text, new Date()).replace(/^@/, "");
}
