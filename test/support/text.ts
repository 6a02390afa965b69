// Arbitrary text for properties. Leaves to others: the properties.
import fc from "fast-check";

/** Code points below the surrogates, which are no characters, and the number of surrogates. */
const BELOW_SURROGATES = 0xd800;
const SURROGATES = 0x800;

/**
 * Any character of Unicode, as the unit of `fc.string`. It is like fast-check's own unit "binary", which first makes a
 * table of all 1.1 million characters: that takes more than a second and 150 MB in each process.
 */
export const ANY_CHARACTER: fc.Arbitrary<string> = fc.nat(0x10_ffff - SURROGATES).map(
  (n) => String.fromCodePoint(n < BELOW_SURROGATES ? n : n + SURROGATES),
  // The reverse, so that fast-check also tries texts like "__proto__".
  (text) => {
    if (typeof text !== "string" || [...text].length !== 1) return -1;
    const codePoint = text.codePointAt(0) ?? -1;
    return codePoint < BELOW_SURROGATES ? codePoint : codePoint - SURROGATES;
  },
);
