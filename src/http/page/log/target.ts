// Parses what a person wants to look up. Pure. Leaves to others: the form (lookup-form.ts), the lookup (the broker).

/** An offset, or a time in milliseconds. */
export type Target = { readonly offset: number } | { readonly timestamp: number };

/** Parses an offset or a time; a time without a zone is UTC. Throws for anything else. */
export function parseTarget(text: string): Target {
  const trimmed = text.trim();
  if (/^\d[\d,_]*$/.test(trimmed)) {
    const offset = Number(trimmed.replaceAll(/[,_]/g, ""));
    if (Number.isSafeInteger(offset)) return { offset };
  }
  const hasZone = /(?:z|[+-]\d\d:?\d\d)$/i.test(trimmed);
  const isDate = /^\d{4}-\d\d-\d\d/.test(trimmed);
  const time =
    isDate && !hasZone && trimmed.length > 10 ? `${trimmed.replace(" ", "T")}Z` : trimmed;
  const timestamp = isDate ? Date.parse(time) : Number.NaN;
  if (Number.isNaN(timestamp))
    throw new Error("expected an offset such as 42, or a time such as 2026-07-01 12:00");
  return { timestamp };
}
