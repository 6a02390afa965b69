// Text that somebody else chose, made safe to show: a group may be named with escape sequences, a hostile broker may
// send anything as an error, a file name may hold a newline. Everything that goes to a person passes through here.
// Leaves to others: the values that `consume` prints, which are bytes for the next program and stay as they are.

/**
 * Characters that steer a terminal or hide what is there: controls (with DEL and C1), characters without a shape such
 * as those that reorder text, line separators, and halves of surrogate pairs.
 */
const STEERING = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The same in JSON text, where JSON.stringify has escaped some, and a newline is layout. */
const STEERING_IN_JSON = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Nearly all text is this, and needs no more of a look. */
const PLAIN = /^[ -~]*$/;

const NAMED: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** `text` on one line, every steering character as an escape: `\n`, `\x1b`, `\u202e`, `\u{e0001}`. */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : text.replace(STEERING, escaped);
}

/** The same for text of several lines that may hold a stack trace: its lines `at …` stay lines. */
export function printableTrace(text: string): string {
  return text
    .split(/\n(?=\s+at )/)
    .map(printable)
    .join("\n");
}

/** `value` as JSON that is safe to show: it parses to the same. */
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

/** JSON knows UTF-16 units only. */
function escapedUnits(character: string): string {
  let text = "";
  for (let i = 0; i < character.length; i++) {
    text += `\\u${character.charCodeAt(i).toString(16).padStart(4, "0")}`;
  }
  return text;
}
