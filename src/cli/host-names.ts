// The parser of host names that an option takes. Leaves to others: what they are allowed to do (http/request-guard.ts).
import { InvalidArgumentError } from "@commander-js/extra-typings";

/** Parses `NAME` or `NAME,NAME,...`, and adds them to those of earlier uses of the same option. */
export function hostNames(text: string, previous: readonly string[] = []): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.every((name) => /^[\w.-]+$|^[\da-f:.]+$/i.test(name))) return [...previous, ...names];
  throw new InvalidArgumentError(
    "Host names without scheme and port are expected: broker.example.",
  );
}
