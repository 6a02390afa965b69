// Times as people type them: in the time zone of their browser, and relative to now. An address names the moment
// instead, so that a link means the same tomorrow and in another zone. Pure.
// Leaves to others: places that are no times, and refusing what is neither (offset-place.ts in src/).

/** What can be typed, for the hints of fields. */
export const TIME_EXAMPLES = "14:00, yesterday 14:00, 2026-11-25 14:00, -1h";

const CLOCK = /^(\d{1,2}):(\d\d)(?::(\d\d))?$/;
const DAY = /^(today|yesterday)(?:\s+(.+))?$/i;
const LOCAL = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?$/;
const SO_LONG_AGO = /^-\d[\d.]*[a-z]+$/i;

/** The moment that a text names, or undefined. A time of day alone is the last time that it was so late. */
export function typedTime(typed: string, now: Date): Date | undefined {
  const text = typed.trim().replace(/^@/, "");
  const [, day, clock = "0:00"] = DAY.exec(text) ?? [];
  if (day !== undefined) {
    const at = atClock(clock, now);
    if (day.toLowerCase() === "yesterday") at?.setDate(at.getDate() - 1);
    return at;
  }
  if (CLOCK.test(text)) {
    const at = atClock(text, now);
    if (at !== undefined && at > now) at.setDate(at.getDate() - 1);
    return at;
  }
  const [, date, time = "00:00"] = LOCAL.exec(text) ?? [];
  if (date === undefined) return undefined;
  const at = new Date(`${date}T${time}`);
  return Number.isNaN(at.getTime()) ? undefined : at;
}

/** A place in a log as it is typed where offsets and times can be, in the form that the broker reads. */
export function typedPlace(typed: string, now: Date): string {
  const text = typed.trim();
  const at = typedTime(text, now);
  if (at !== undefined) return `@${at.toISOString()}`;
  const isTime = SO_LONG_AGO.test(text) || /^\d{4}-\d\d-\d\d[T ]/.test(text);
  return isTime ? `@${text}` : text;
}

/** The reverse for a field: the moment of an address by the reader's clock. What is no moment stays. */
export function shownTime(text: string): string {
  const [, moment] = /^@?(\d{4}-\d\d-\d\dT[\d:.]+Z)$/.exec(text) ?? [];
  const at = new Date(moment ?? Number.NaN);
  if (Number.isNaN(at.getTime())) return text;
  const local = new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString();
  return local.replace("T", " ").replace(/(?::00)?(?:\.000)?Z$/, "");
}

function atClock(text: string, now: Date): Date | undefined {
  const [, hours, minutes, seconds = "0"] = CLOCK.exec(text) ?? [];
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const at = new Date(now);
  at.setHours(Number(hours), Number(minutes), Number(seconds), 0);
  return at;
}
