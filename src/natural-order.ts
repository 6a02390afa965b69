// The order of names that people expect: `orders-2` before `orders-10`, and upper and lower case together.

/**
 * Compares two names for sorting: numbers in them by value, letters without case. Equal only if the names are. About as fast
 * as a comparison of texts, unlike `Intl.Collator`, because lists of 100,000 names are sorted.
 */
export function compareNaturally(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(j);
    if (isDigit(x) && isDigit(y)) {
      const from = pastZeros(a, i);
      const to = pastDigits(a, from);
      const otherFrom = pastZeros(b, j);
      const otherTo = pastDigits(b, otherFrom);
      const byLength = to - from - (otherTo - otherFrom);
      if (byLength !== 0) return byLength;
      for (let k = 0; k < to - from; k++) {
        const byDigit = a.charCodeAt(from + k) - b.charCodeAt(otherFrom + k);
        if (byDigit !== 0) return byDigit;
      }
      i = to;
      j = otherTo;
      continue;
    }
    const byCharacter = lower(x) - lower(y);
    if (byCharacter !== 0) return byCharacter;
    i++;
    j++;
  }
  const byRest = a.length - i - (b.length - j);
  if (byRest !== 0) return byRest;
  // `a01` and `A1`, which are different names.
  return a < b ? -1 : a > b ? 1 : 0;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function lower(code: number): number {
  return code >= 65 && code <= 90 ? code + 32 : code;
}

function pastZeros(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) === 48 && isDigit(text.charCodeAt(at + 1))) at++;
  return at;
}

function pastDigits(text: string, from: number): number {
  let at = from;
  while (isDigit(text.charCodeAt(at))) at++;
  return at;
}
