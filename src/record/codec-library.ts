// Loads the library of a codec when a batch needs it, so that a broker which never opens such a batch does not.
import { RustLogError } from "../errors.js";
import type { Codec } from "./batch.js";

/**
 * Calls `load`, which must `require` a library: only that can fail without ending the program. Throws
 * UNSUPPORTED_COMPRESSION if the library has no native code for this machine.
 */
export function loadLibrary<Library>(codec: Codec, load: () => Library): Library {
  try {
    return load();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `${codec} can't be used here, because its library can't be loaded: ${reason}`;
    throw new RustLogError("UNSUPPORTED_COMPRESSION", message, { cause });
  }
}
