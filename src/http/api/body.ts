// The JSON body of a request, checked: what each field is. Leaves to others: what the fields mean.
import { OFFSET_MAX } from "../../limits.js";
import { invalid } from "./answer.js";

/** A JSON object. */
export type Body = Readonly<Record<string, unknown>>;

/** The body of a request: a JSON object. An HTML form on another site can't send this content type. */
export async function jsonOf(request: Request): Promise<Body> {
  if (!/^application\/json *(;|$)/i.test(request.headers.get("content-type") ?? "")) {
    throw invalid("the body must be application/json");
  }
  const body: unknown = await request.json().catch(() => undefined);
  if (!isObject(body)) throw invalid("the body must be a JSON object");
  return body;
}

export function textIn(body: Body, name: string): string {
  const value = body[name];
  if (typeof value === "string") return value;
  throw invalid(`${name} must be a text`);
}

/** A whole number, of `least` or more. */
export function wholeIn(body: Body, name: string, least = 0): number {
  const value = body[name];
  if (isWhole(value) && value >= least && value <= OFFSET_MAX) return value;
  throw invalid(`${name} must be a whole number, ${least} or more`);
}

/** A missing one is false. */
export function flagIn(body: Body, name: string): boolean {
  const value = body[name] ?? false;
  if (typeof value === "boolean") return value;
  throw invalid(`${name} must be true or false`);
}

/** A missing one is empty. */
export function listIn(body: Body, name: string): readonly unknown[] {
  const value = body[name] ?? [];
  if (Array.isArray(value)) return value;
  throw invalid(`${name} must be a list`);
}

/** A list of objects, with at least one. */
export function someObjectsIn(body: Body, name: string): readonly Body[] {
  const list = listIn(body, name);
  if (list.length > 0 && list.every(isObject)) return list;
  throw invalid(`${name} must be a list of objects, with at least one`);
}

/** Texts by name. A missing object is empty. */
export function textsIn(body: Body, name: string): Readonly<Record<string, string>> {
  const value = body[name] ?? {};
  if (isObject(value) && hasTexts(value)) return value;
  throw invalid(`${name} must be an object whose values are texts`);
}

function hasTexts(value: Body): value is Readonly<Record<string, string>> {
  return Object.values(value).every((each) => typeof each === "string");
}

export function isObject(value: unknown): value is Body {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value);
}
