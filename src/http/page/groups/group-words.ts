// Numbers of a group as short texts, in tables and facts.
// Leaves to others: sentences (diagnosis.ts), numbers of any kind (parts/format.ts).
import { formatAge } from "../parts/format.js";
import { formatRate } from "./diagnosis.js";
import type { UnreadAge } from "./lag-series.js";

/** An age of which only a minimum is known is not shown while that minimum is shorter. */
const AGE_MS_MIN = 60_000;

/** `—` if nothing is unread, `…` until it is known. */
export function ageText(age: UnreadAge | undefined): string {
  if (age === undefined) return "—";
  if (age.isMore && age.ms < AGE_MS_MIN) return "…";
  return `${age.isMore ? "over " : ""}${formatAge(age.ms)}`;
}

/** `…` until it is known. */
export function rateText(perSecond: number | undefined): string {
  return perSecond === undefined ? "…" : formatRate(perSecond);
}
