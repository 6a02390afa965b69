// Records as text for people: previews on one line, times, JSON with its parts, and bytes in hexadecimal. Pure.
// Leaves to others: what is shown where (record-list.ts, record-panel.ts).
import { printable } from "../../../printable.js";
import type { DescribedBytes } from "../../../record/described-bytes.js";
import { countOf } from "../parts/format.js";

/** Bytes of a preview in hexadecimal. */
const HEX_BYTES_MAX = 24;

/** The first bytes on one line, and whether they are text. */
export function preview(bytes: DescribedBytes): {
  readonly text: string;
  readonly isText: boolean;
} {
  if ("text" in bytes) {
    return { text: printable(bytes.text) + (bytes.isCut ? "…" : ""), isText: true };
  }
  const all = bytesOfBase64(bytes.base64);
  return { text: hexPreview(all, bytes.bytes), isText: false };
}

/** The first bytes of `length` in hexadecimal. */
export function hexPreview(bytes: Uint8Array, length = bytes.length): string {
  const isCut = length > Math.min(bytes.length, HEX_BYTES_MAX);
  return hexOf(bytes.subarray(0, HEX_BYTES_MAX)) + (isCut ? " …" : "");
}

/** Whether there is a text without invisible characters; line breaks and tabs are visible. */
export function isReadable(text: string | undefined): text is string {
  return text !== undefined && !/[^\P{Cc}\t\r\n]/u.test(text);
}

/**
 * What a Confluent serializer would mean by these first bytes of `length`: a zero, then the id of a schema. Undefined if they are no
 * such header.
 */
export function confluentText(bytes: Uint8Array, length: number): string | undefined {
  if (bytes.length <= CONFLUENT_HEADER_BYTES || bytes[0] !== 0) return undefined;
  const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  if (id === 0) return undefined;
  const rest = countOf(length - CONFLUENT_HEADER_BYTES, "byte");
  return `As a Confluent header: schema id ${id}, then ${rest}`;
}

const CONFLUENT_HEADER_BYTES = 5;

export function bytesOfBase64(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

export function base64Of(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** Text on many lines that is safe to show. */
export function printableLines(text: string): string {
  const line = (each: string): string => each.split("\t").map(printable).join("\t");
  return text.split("\n").map(line).join("\n");
}

/** The text of bytes; undefined if they are not UTF-8. A character that is cut off at the end is left out. */
export function textOf(bytes: Uint8Array, isCut: boolean): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, {
      stream: isCut,
    });
  } catch {
    return undefined;
  }
}

/** A time of the reader's clock, or of UTC: `2026-07-01 14:00:00.123`. */
export function timeText(ms: number, isUtc: boolean): string {
  if (ms === -1) return "no time";
  const date = new Date(ms);
  const shifted = isUtc ? date : new Date(ms - date.getTimezoneOffset() * 60_000);
  if (Number.isNaN(shifted.getTime())) return `${ms} ms`;
  return shifted.toISOString().replace("T", " ").replace("Z", "");
}

/** The same time by the other clock, for who points at it. */
export function timeTitle(ms: number, isUtc: boolean): string {
  return isUtc ? `${timeText(ms, false)} here, ${ms} ms` : `${timeText(ms, true)} UTC, ${ms} ms`;
}

/** Bytes as lines of 16: position, hexadecimal, text. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const part = bytes.subarray(at, at + 16);
    const text = Array.from(part, (byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·",
    ).join("");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${hexOf(part).padEnd(47)}  ${text}`);
  }
  return lines.join("\n");
}

/** A part of JSON, and what it is. */
export interface JsonToken {
  readonly text: string;
  readonly kind: "name" | "string" | "number" | "word" | "mark";
}

const TOKEN = /\s+|("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)|(true|false|null)|([{}[\],:])/y;

const INDENT = "  ";

/** JSON on lines of its own, each number and text as it stands; undefined if it is not JSON. */
export function jsonTokens(text: string): JsonToken[] | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  const tokens: JsonToken[] = [];
  let depth = 0;
  const mark = (added: string): void => {
    const last = tokens.at(-1);
    if (last?.kind === "mark")
      tokens[tokens.length - 1] = { kind: "mark", text: last.text + added };
    else tokens.push({ kind: "mark", text: added });
  };
  const breakLine = (): void => mark(`\n${INDENT.repeat(depth)}`);
  let isFirst = false;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const [, string, number, word, sign] = TOKEN.exec(text) ?? [];
    if (sign === "}" || sign === "]") {
      depth--;
      if (!isFirst) breakLine();
      isFirst = false;
      mark(sign);
    } else if (sign === ",") {
      mark(sign);
      breakLine();
    } else if (sign === ":") mark(": ");
    else if ((string ?? number ?? word ?? sign) !== undefined) {
      if (isFirst) breakLine();
      isFirst = sign !== undefined;
      if (sign !== undefined) {
        depth++;
        mark(sign);
      } else if (string !== undefined) {
        const isName = /^\s*:/.test(text.slice(TOKEN.lastIndex, TOKEN.lastIndex + 20));
        tokens.push({ kind: isName ? "name" : "string", text: printable(string) });
      } else if (number !== undefined) tokens.push({ kind: "number", text: number });
      else tokens.push({ kind: "word", text: word ?? "" });
    } else if (TOKEN.lastIndex === 0) return undefined;
  }
  return tokens;
}
