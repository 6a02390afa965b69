// The parameters of a request's URL, checked. Leaves to others: what they mean.
import { invalid } from "./answer.js";

export class Query {
  readonly #parameters: URLSearchParams;

  constructor(url: string) {
    this.#parameters = new URL(url).searchParams;
  }

  /** All parameters as text. */
  get all(): string {
    return this.#parameters.toString();
  }

  /** All parameters by name and value, in their order. */
  get pairs(): Iterable<[string, string]> {
    return this.#parameters;
  }

  number(name: string): number | undefined {
    const text = this.#parameters.get(name);
    return text === null ? undefined : numberOf(name, text);
  }

  text(name: string): string | undefined {
    return this.#parameters.get(name) ?? undefined;
  }

  /** All values of a parameter that may be repeated. */
  texts(name: string): readonly string[] {
    return this.#parameters.getAll(name);
  }

  neededText(name: string): string {
    const text = this.#parameters.get(name);
    if (text !== null) return text;
    throw invalid(`${name} is missing`);
  }

  needed(name: string): number {
    return numberOf(name, this.#parameters.get(name) ?? "");
  }

  numbers(name: string): number[] {
    const text = this.#parameters.get(name) ?? "";
    return text === "" ? [] : text.split(",").map((part) => numberOf(name, part));
  }
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw invalid(`${name} is '${text}'; expected a whole number`);
}
