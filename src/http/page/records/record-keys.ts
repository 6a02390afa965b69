// How keys are shown: as text, as numbers or UUIDs where they are such, or in hexadecimal; and how one is searched for. Pure.
// Leaves to others: the list (record-list.ts), the choice (records-view.ts).
import { printable } from "../../../printable.js";
import type { DescribedBytes } from "../../../record/described-bytes.js";
import {
  BYTE_TYPES,
  type ByteType,
  bytesOfTyped,
  EXPECTED,
  type FixedType,
  fixedTypeOf,
  hexDigits,
  typedText,
} from "../../../record/typed-bytes.js";
import type { RecordItem } from "../../../services/records/record-item.js";
import { bytesOfBase64, hexPreview, isReadable, preview, textOf } from "./record-text.js";

/** What may be chosen; "" for what suits the keys that were seen. */
export const KEYS_AS = {
  "": "auto",
  int32: "int32",
  int64: "int64",
  uuid: "UUID",
  hex: "hex",
  text: "text",
} as const;

export type KeysAs = keyof typeof KEYS_AS;

/** A choice; "" for any other text. */
export function keysAsOf(text: string): KeysAs {
  return Object.hasOwn(KEYS_AS, text) ? (text as KeysAs) : "";
}

/** The type of bytes that a choice names; undefined for text. */
export function byteTypeOf(keysAs: KeysAs): ByteType | undefined {
  return BYTE_TYPES.find((type) => type === keysAs);
}

/** Why keys can't be searched for a text as a choice has it; undefined if they can. */
export function searchProblem(find: string, keysAs: KeysAs): string | undefined {
  const type = byteTypeOf(keysAs);
  if (type === undefined || (bytesOfTyped(find, type)?.length ?? 0) > 0) return undefined;
  return `'${find.slice(0, 100)}' is no key as ${KEYS_AS[type]}: ${EXPECTED[type]}, or show keys as text`;
}

/** How keys are shown: the choice, and the types that were found for it to be automatic. */
export interface KeyView {
  readonly as: KeysAs;
  readonly types: ReadonlySet<FixedType>;
}

/** What the keys of a topic are, as far as they were seen. */
export class SeenKeys {
  /** Whether there was one that is not text. */
  hasBinary = false;
  /** Types of keys that are no text. Then all keys of the same length are of this type, so that they look alike. */
  readonly types = new Set<FixedType>();

  add(items: readonly RecordItem[]): void {
    for (const item of items) {
      if (item.kind !== "record" || item.key === null) continue;
      const isCut = item.key.isCut === true;
      const bytes = bytesOf(item.key);
      if (isReadable(textOf(bytes, isCut))) continue;
      this.hasBinary = true;
      const type = isCut ? undefined : suitableType(bytes);
      if (type !== undefined) this.types.add(type);
    }
  }

  clear(): void {
    this.hasBinary = false;
    this.types.clear();
  }

  /** The type of a key that is searched for by a text: the only one seen that can be meant; else undefined. */
  typeOf(find: string): FixedType | undefined {
    const types = [...this.types].filter((type) => bytesOfTyped(find, type) !== undefined);
    return types.length === 1 ? types[0] : undefined;
  }
}

/** The type of bytes that are no text, if their length is that of a type. */
export function suitableType(bytes: Uint8Array): FixedType | undefined {
  const type = isReadable(textOf(bytes, false)) ? undefined : fixedTypeOf(bytes.length);
  return type === "uuid" && !isLikeUuid(bytes) ? undefined : type;
}

/** Whether 16 bytes have a version and a variant of UUIDs: others may be a hash. */
function isLikeUuid(bytes: Uint8Array): boolean {
  const [version, variant] = [(bytes[6] ?? 0) >> 4, (bytes[8] ?? 0) >> 6];
  return version >= 1 && version <= 8 && variant === 0b10;
}

/** The type as which a key of this length is shown; undefined for text or hexadecimal. */
function shownType(length: number, { as, types }: KeyView): FixedType | undefined {
  const type = fixedTypeOf(length);
  if (type === undefined) return undefined;
  return as === type || (as === "" && types.has(type)) ? type : undefined;
}

/** The form in which a key is shown, by the choice and the keys of its length that were seen; undefined for the usual one. */
export function keyTabOf(bytes: Uint8Array, view: KeyView): FixedType | "hex" | "text" | undefined {
  const type = shownType(bytes.length, view);
  if (type !== undefined || view.as === "hex") return type ?? "hex";
  if (view.as === "text") return textOf(bytes, false) === undefined ? "hex" : "text";
  return suitableType(bytes);
}

/** A key on one line. */
interface ShownKey {
  readonly text: string;
  /** For a person who points at it; "" for text. */
  readonly title: string;
  readonly isBinary: boolean;
}

export function shownKey(key: DescribedBytes, view: KeyView): ShownKey {
  const bytes = bytesOf(key);
  const hex = hexPreview(bytes, key.bytes);
  const type = key.isCut === true ? undefined : shownType(bytes.length, view);
  const typed = type === undefined ? undefined : typedText(bytes, type);
  if (type !== undefined && typed !== undefined) {
    return { text: typed, title: `${KEYS_AS[type]} ${typed}: ${hex}`, isBinary: false };
  }
  const { text, isText } = preview(key);
  if (view.as === "hex") return { text: hex, title: isText ? text : NOT_TEXT, isBinary: true };
  if (isText) return { text, title: "", isBinary: false };
  if (view.as !== "text") return { text: hex, title: NOT_TEXT, isBinary: true };
  const decoded = printable(new TextDecoder().decode(bytes));
  return { text: decoded, title: `not text: ${hex}`, isBinary: false };
}

const NOT_TEXT = "not text: in hexadecimal";

/** The text and the choice with which a search finds a key; undefined if none does. */
export function searchOfKey(
  key: Uint8Array,
  view: KeyView,
): { readonly find: string; readonly keys: KeysAs } | undefined {
  if (key.length === 0 || key.length > SEARCHED_KEY_BYTES_MAX) return undefined;
  const type = shownType(key.length, view) ?? suitableType(key);
  const text = textOf(key, false);
  if (view.as !== "hex") {
    if (type !== undefined) return { find: typedText(key, type) ?? "", keys: type };
    // A field of one line has no line breaks.
    if (isReadable(text) && !/[\r\n]/.test(text)) {
      return { find: text, keys: view.as === "text" ? "text" : "" };
    }
  }
  return { find: hexDigits(key), keys: "hex" };
}

/** Longest key that a link searches for. */
const SEARCHED_KEY_BYTES_MAX = 500;

function bytesOf(described: DescribedBytes): Uint8Array {
  return "text" in described
    ? new TextEncoder().encode(described.text)
    : bytesOfBase64(described.base64);
}
