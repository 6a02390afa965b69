// Parses the host names of an option. Leaves to others: what they permit (http/request-guard.ts).
import { InvalidArgumentError } from "@commander-js/extra-typings";

/** Parses `NAME` or `NAME,NAME,...` and adds them to the names from earlier uses of the option. */
export function hostNames(text: string, previous: readonly string[] = []): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.every((name) => /^[\w.-]+$|^[\da-f:.]+$/i.test(name))) return [...previous, ...names];
  throw new InvalidArgumentError(
    "Expected host names without scheme and port, such as broker.example.",
  );
}
