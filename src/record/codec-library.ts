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
    const needs = "it needs a build for this system, and a temporary directory that can be written";
    const message = `this program can't compress with ${codec}, because the library can't be loaded (${needs}): ${rootOf(cause)}`;
    throw new RustLogError("UNSUPPORTED_COMPRESSION", message, { cause });
  }
}

/** The first error of a chain; those after it are general. */
function rootOf(error: unknown): string {
  let root = error;
  while (root instanceof Error && root.cause !== undefined) root = root.cause;
  return root instanceof Error ? root.message : String(root);
}
