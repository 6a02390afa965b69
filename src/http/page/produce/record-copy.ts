// A record of the log as the form has it, to be changed and sent again. Pure. Leaves to others: asking for the record
// (../records/record-api.ts), the form (produce-form.ts).
import { typedText } from "../../../record/typed-bytes.js";
import { formatCount } from "../parts/format.js";
import { suitableType } from "../records/record-keys.js";
import { base64Of, bytesOfBase64, hexOf, textOf } from "../records/record-text.js";
import type { ShownBytes, ShownRecord } from "../records/record-wire.js";
import type { ProduceOrder } from "./produce-wire.js";
import { bytesOf, checkSize, type READINGS } from "./produce-words.js";

/** What a field has, and how it is read. */
export interface FieldContent {
  readonly text: string;
  readonly reading: keyof typeof READINGS | "empty" | "null";
}

export interface RecordCopy {
  readonly topic: string;
  readonly key: FieldContent;
  readonly value: FieldContent;
  readonly headers: readonly { readonly name: string; readonly value: FieldContent }[];
}

/** A record that an address names. */
export interface CopiedPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Reads `orders/1/1208`. Throws if it is not like that. */
export function copiedPlaceOf(text: string): CopiedPlace {
  const [, topic, partition, offset] = /^([^/]+)\/(\d+)\/(\d+)$/.exec(text) ?? [];
  if (topic !== undefined) return { topic, partition: Number(partition), offset: Number(offset) };
  throw new Error(`can't copy '${text}'; expected a record as TOPIC/PARTITION/OFFSET`);
}

export function copiedPlaceText({ topic, partition, offset }: CopiedPlace): string {
  return `${topic}/${partition}/${offset}`;
}

/** A record in words: `orders 1, offset 1,208`. */
export function copiedPlaceWords({ topic, partition, offset }: CopiedPlace): string {
  return `${topic} ${partition}, offset ${formatCount(offset)}`;
}

/** Fills the form with a record and its whole key. Throws if the form can't have or send all of it. */
export function copyOf(topic: string, record: ShownRecord, key: Uint8Array | null): RecordCopy {
  const { headers, headerCount } = record;
  const isCut = (bytes: ShownBytes | null): boolean =>
    bytes !== null && bytesOfBase64(bytes.base64).length < bytes.bytes;
  if (isCut(record.value)) throw new Error(`${CANT}: its value is too long${INSTEAD}`);
  const areCut = headers.some(({ name, value }) => isCut(name) || isCut(value));
  if (areCut || headers.length < headerCount) {
    throw new Error(`${CANT}: its headers are too many or too long${INSTEAD}`);
  }
  const bytesOrNull = (bytes: ShownBytes | null): Uint8Array | null =>
    bytes === null ? null : bytesOfBase64(bytes.base64);
  const copy: RecordCopy = {
    topic,
    key: contentOf(key, false),
    value: contentOf(bytesOrNull(record.value), true),
    headers: headers.map(({ name, value }) => {
      const text = textOf(bytesOfBase64(name.base64), false);
      if (text === undefined || !isPlain(text, false)) {
        throw new Error(`${CANT}: the name of a header is not plain text${INSTEAD}`);
      }
      return { name: text, value: contentOf(bytesOrNull(value), false) };
    }),
  };
  try {
    checkSize(orderOf(copy));
  } catch {
    throw new Error(`${CANT}: it is too long${INSTEAD}`);
  }
  return copy;
}

const CANT = "The page can't produce this record again";
const INSTEAD = "; rustlog consume --json and rustlog produce --json can";

/** The request for a copy that was not changed. */
function orderOf({ topic, key, value, headers }: RecordCopy): ProduceOrder {
  const bytes = ({ text, reading }: FieldContent) => bytesOf(text, reading);
  return {
    ...{ topic, partition: null, key: bytes(key), value: bytes(value), codec: "none" },
    headers: headers.map((header) => ({ name: header.name, value: bytes(header.value) })),
  };
}

/** Bytes that are shown as hexadecimal, where a person may read them; of more, base64 is shorter. */
const COPIED_HEX_BYTES_MAX = 4096;

/** Bytes as text for a field. `hasLines`: the field takes line breaks. */
export function contentOf(bytes: Uint8Array | null, hasLines: boolean): FieldContent {
  if (bytes === null) return { text: "", reading: "null" };
  if (bytes.length === 0) return { text: "", reading: "empty" };
  const text = textOf(bytes, false);
  if (text !== undefined && isPlain(text, hasLines)) return { text, reading: "text" };
  const type = suitableType(bytes);
  if (type !== undefined) return { text: typedText(bytes, type) ?? "", reading: type };
  if (bytes.length <= COPIED_HEX_BYTES_MAX) return { text: hexOf(bytes), reading: "hex" };
  return { text: base64Of(bytes), reading: "base64" };
}

/** Whether a field keeps and shows each character: a field of one line drops line breaks, and none keeps `\r`. */
function isPlain(text: string, hasLines: boolean): boolean {
  return hasLines ? !/[^\P{Cc}\t\n]/u.test(text) : !/[^\P{Cc}\t]/u.test(text);
}
