// Paths of the fields that JSON values of a list have, as far as the first bytes of the values tell. Pure.
// Leaves to others: what is at a path (services/records/record-fields.ts).
import type { RecordItem } from "../../../services/records/record-item.js";
import type { JsonToken } from "./record-text.js";

/** Records that are looked at, and paths that are suggested. */
const RECORDS_MAX = 50;
const PATHS_MAX = 40;

/** The paths of texts, numbers and the like in the values of a list, in their order. */
export function pathsOf(items: readonly RecordItem[]): string[] {
  const paths = new Set<string>();
  for (const item of items.slice(-RECORDS_MAX)) {
    if (item.kind !== "record" || item.value === null || !("text" in item.value)) continue;
    for (const path of pathsOfJson(item.value.text)) {
      if (paths.size < PATHS_MAX) paths.add(path);
    }
  }
  return [...paths];
}

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|([{}[\],:])|([^\s"{}[\],:]+))/y;

/** The paths of the scalars of JSON, which may be cut off. Of arrays, those of all elements: `$.items[*].sku`. */
export function pathsOfJson(text: string): string[] {
  if (!/^\s*[[{]/.test(text)) return [];
  const paths: string[] = [];
  /** The step to what is being read, in each object and array around it. */
  const steps: string[] = [];
  let name: string | undefined;
  TOKEN.lastIndex = 0;
  for (let token = TOKEN.exec(text); token !== null; token = TOKEN.exec(text)) {
    const [, string, mark, word] = token;
    const isInObject = steps.length > 0 && steps.at(-1) !== "[*]";
    if (mark === "{") steps.push("");
    else if (mark === "[") steps.push("[*]");
    else if (mark === "}" || mark === "]") steps.pop();
    else if (mark === ",") name = undefined;
    else if (string !== undefined && isInObject && name === undefined) {
      name = string;
      steps[steps.length - 1] = stepTo(string);
    } else if (string !== undefined || word !== undefined) paths.push(`$${steps.join("")}`);
    if (mark === "{" || mark === "[" || mark === "}" || mark === "]") name = undefined;
  }
  return [...new Set(paths)];
}

/** The path of what has a name in JSON: of the name with this number, from 0. */
export function pathOfName(tokens: readonly JsonToken[], number: number): string {
  const steps: string[] = [];
  let count = 0;
  for (const { kind, text } of tokens) {
    if (kind === "mark") {
      for (const mark of text) {
        if (mark === "{" || mark === "[") steps.push(mark === "[" ? "[*]" : "");
        else if (mark === "}" || mark === "]") steps.pop();
      }
    } else if (kind === "name") {
      steps[steps.length - 1] = stepTo(text);
      if (count++ === number) break;
    }
  }
  return `$${steps.join("")}`;
}

/** A name that needs no quotes has none. */
function stepTo(quoted: string): string {
  return /^"[A-Za-z_][\w-]*"$/.test(quoted) ? `.${quoted.slice(1, -1)}` : `[${quoted}]`;
}
