// Escapes text that others chose: a group name may contain escape sequences, a hostile broker may send anything as an
// error, a file name may contain a newline. Everything shown to a person passes through here.
// Leaves to others: the values that `consume` prints, which are bytes for the next program and stay unchanged.

/**
 * Characters that control a terminal or hide content: control characters (with DEL and C1), invisible ones such as
 * those that reorder text, line separators, and unpaired surrogates.
 */
const STEERING = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The same for JSON text, in which JSON.stringify has escaped some, and newlines are layout. */
const STEERING_IN_JSON = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Nearly all text matches this and needs no further check. */
const PLAIN = /^[ -~]*$/;

const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** `text` on one line, with control characters escaped: `\n`, `\x1b`, `\u202e`, `\u{e0001}`. */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : text.replace(STEERING, escaped);
}

/** The same for text that may contain a stack trace: its `at …` lines remain lines. */
export function printableTrace(text: string): string {
  return text
    .split(/\n(?=\s+at )/)
    .map(printable)
    .join("\n");
}

/** `value` as JSON that is safe to show and parses to the same value. */
export function printableJson(value: unknown, indent = 0): string {
  const json = JSON.stringify(value, null, indent);
  return PLAIN.test(json) ? json : json.replace(STEERING_IN_JSON, escapedUnits);
}

function escaped(character: string): string {
  const named = NAMED[character];
  if (named !== undefined) return named;
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`;
}

/** JSON escapes are UTF-16 units. */
function escapedUnits(character: string): string {
  let text = "";
  for (let i = 0; i < character.length; i++) {
    text += `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
  }
  return text;
}
