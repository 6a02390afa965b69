// Loads the library that compresses with a codec, when the first batch needs it: most programs, and the broker, never do.
import { RustLogError } from "../errors.js";
import type { Codec } from "./batch.js";

/**
 * Calls `load`, which must `require` a library: only that can fail without ending the program. Throws
 * UNSUPPORTED_COMPRESSION if that fails.
 */
export function loadLibrary<Library>(codec: Codec, load: () => Library): Library {
  try {
    return load();
  } catch (cause) {
    const needs =
      "it needs a build for this system, and a temporary directory that can be written (TMPDIR)";
    const message = `the library that compresses with ${codec} can't be loaded: ${needs}`;
    throw new RustLogError("UNSUPPORTED_COMPRESSION", message, { cause });
  }
}
