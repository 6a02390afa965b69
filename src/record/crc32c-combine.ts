// Combines the CRC-32Cs of two runs of bytes into that of both, as zlib's `crc32_combine` does for CRC-32.
// Leaves to others: computing a CRC from bytes (crc32c.ts).
//
// A CRC is a polynomial over GF(2), modulo the generator P. Appending n bytes to A multiplies its polynomial by x^(8n);
// then the CRC of the n bytes is added, which is an XOR. x^(8n) mod P is a product of a few powers from tables, one for
// each 12 bits of n, so a combination takes about 100 ns whatever the lengths.
//
// In the reflected notation the highest bit of a number stands for x^0, the lowest for x^31.
import { CRC32C_POLYNOMIAL } from "./crc32c.js";

const ONE = 0x8000_0000;

/** x^8: the factor for one more byte. */
const X_8 = ONE >>> 8;

const POWER_BITS = 12;
const POWER_COUNT = 2 ** POWER_BITS;

/** Enough for lengths of up to 48 bits. */
const POWER_TABLES = 4;

/** POWERS[k][i] is x^(8 · i · 4096^k) mod P; computed on first use. */
let powers: readonly Uint32Array[] | undefined;

/** REDUCED[n] is the polynomial of the lowest 4 bits n, times x^4, mod P. */
const REDUCED = makeReduced();

/** The multiples of one factor by all polynomials of 4 bits: scratch memory of `multiply`. */
const multiples = new Int32Array(16);

/** CRC-32C of A followed by B, from the CRCs of A and B and the length of B in bytes. */
export function combineCrc32c(first: number, second: number, secondBytes: number): number {
  powers ??= makePowers();
  let shifted = first;
  let rest = secondBytes;
  for (let k = 0; rest > 0; k++) {
    const digit = rest % POWER_COUNT;
    if (digit !== 0) shifted = multiply(shifted, powers[k]![digit]!);
    rest = (rest - digit) / POWER_COUNT;
  }
  return (shifted ^ second) >>> 0;
}

/** The product of two polynomials modulo P, 4 bits of `a` at a time. */
function multiply(a: number, b: number): number {
  // multiples[8] is b itself: the highest of 4 bits stands for the lowest power.
  const b1 = timesX(b | 0);
  const b2 = timesX(b1);
  const b3 = timesX(b2);
  multiples[8] = b;
  multiples[4] = b1;
  multiples[2] = b2;
  multiples[1] = b3;
  multiples[12] = b ^ b1;
  multiples[10] = b ^ b2;
  multiples[9] = b ^ b3;
  multiples[6] = b1 ^ b2;
  multiples[5] = b1 ^ b3;
  multiples[3] = b2 ^ b3;
  multiples[14] = b ^ b1 ^ b2;
  multiples[13] = b ^ b1 ^ b3;
  multiples[11] = b ^ b2 ^ b3;
  multiples[7] = b1 ^ b2 ^ b3;
  multiples[15] = b ^ b1 ^ b2 ^ b3;
  let product = 0;
  for (let bit = 0; bit < 32; bit += 4) {
    product = (product >>> 4) ^ REDUCED[product & 15]! ^ multiples[(a >>> bit) & 15]!;
  }
  return product >>> 0;
}

function timesX(a: number): number {
  return (a >>> 1) ^ (CRC32C_POLYNOMIAL & -(a & 1));
}

function makeReduced(): Int32Array {
  const table = new Int32Array(16);
  for (let bits = 0; bits < 16; bits++) {
    table[bits] = timesX(timesX(timesX(timesX(bits))));
  }
  return table;
}

function makePowers(): readonly Uint32Array[] {
  const tables: Uint32Array[] = [];
  let step = X_8;
  for (let k = 0; k < POWER_TABLES; k++) {
    const table = new Uint32Array(POWER_COUNT);
    table[0] = ONE;
    for (let i = 1; i < POWER_COUNT; i++) table[i] = multiply(table[i - 1]!, step);
    tables.push(table);
    step = multiply(table[POWER_COUNT - 1]!, step);
  }
  return tables;
}
