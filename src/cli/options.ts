// Options shared by several commands.
// Leaves to others: the options for the connection to a broker (connection.ts), and the commands (one file each).
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { parseDuration } from "./duration.js";
import { sizeBetween } from "./size.js";
import { CLIENT_WAIT_MS_MAX } from "../limits.js";
import { CODECS } from "../record/batch.js";

export function jsonOption() {
  return new Option("--json", "print JSON instead of a table");
}

export function compressionOption() {
  return new Option("-z, --compression <codec>", "compression of batches")
    .choices(CODECS)
    .default("none" as const);
}

/** The option `--batch-bytes`; the producer's default applies without it. */
export function batchBytesOption() {
  const about = "size at which a batch is sent, before compression (default: 256KiB)";
  return new Option("--batch-bytes <size>", about).argParser(sizeBetween(1, 2 ** 30));
}

/** The option `--linger`; the producer's default applies without it. */
export function lingerOption() {
  const about = "maximum time a record waits for its batch to fill (default: 5ms)";
  return new Option("--linger <duration>", about).argParser((text) => {
    const ms = parseDuration(text);
    if (ms <= CLIENT_WAIT_MS_MAX) return ms;
    throw new InvalidArgumentError("Expected a duration of at most one day.");
  });
}
