// The conditions of a search as parameters of an address, of the page and of its questions to the broker:
// `find=17&in=key&find=test&in=value&not=1`. Pure. Leaves to others: what they find (services/records/record-match.ts).

export interface SearchCondition {
  /** What is searched for; "" where nothing can be, as for tombstones. */
  readonly find: string;
  readonly in: string;
  /** Whether it is met by the records that otherwise would not meet it. */
  readonly isNegated: boolean;
}

/** Whether there is something to search for in a field. */
export function needsText(field: string): boolean {
  return field !== "tombstone" && field !== "keyless";
}

/**
 * The conditions that parameters have, in their order: a parameter that a condition already has begins the next one, and so does a
 * text where the condition needs none. A condition that lacks the text it needs is left out.
 */
export function conditionsOf(parameters: Iterable<readonly [string, string]>): SearchCondition[] {
  const conditions: SearchCondition[] = [];
  let next: { find?: string; in?: string; not?: string } = {};
  const finish = (): void => {
    const { find = "", in: field = "any", not } = next;
    next = {};
    const isText = needsText(field);
    if (isText && find === "") return;
    conditions.push({ find: isText ? find : "", in: field, isNegated: not === "1" });
  };
  for (const [name, value] of parameters) {
    if (name !== "find" && name !== "in" && name !== "not") continue;
    const isText = needsText(next.in ?? "any");
    if (next[name] !== undefined || (name === "find" && !isText)) finish();
    next[name] = value;
  }
  finish();
  return conditions;
}

/** The parameters of conditions. */
export function searchParameters(conditions: readonly SearchCondition[]): string {
  const parameters = new URLSearchParams();
  for (const { find, in: field, isNegated } of conditions) {
    parameters.append("find", find);
    if (field !== "any") parameters.append("in", field);
    if (isNegated) parameters.append("not", "1");
  }
  return parameters.toString();
}
