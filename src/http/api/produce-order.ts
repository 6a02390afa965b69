// What a page wants to write: the body of its request, checked. Leaves to others: writing it (produce.ts).
import { type Codec, CODECS } from "../../record/batch.js";
import type { ProducerHeader } from "../../record/encoder.js";
import { invalid } from "./answer.js";
import { type Body, flagIn, isObject, isWhole, listIn, textIn } from "./body.js";

/** A record to write, and where. */
export interface RecordToWrite {
  readonly topic: string;
  /** Undefined for the partition of the key, or any. */
  readonly partition: number | undefined;
  readonly key: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
  readonly headers: readonly ProducerHeader[];
  readonly codec: Codec;
  /** Undefined for the present. */
  readonly timestampMs: number | undefined;
  /** Whether a missing topic is created. */
  readonly mayCreate: boolean;
}

export function produceOrderOf(order: Body): RecordToWrite {
  const { partition = null, codec = "none", timestamp } = order;
  if (partition !== null && !isWhole(partition))
    throw invalid("partition must be a number or null");
  if (timestamp !== undefined && !(isWhole(timestamp) && timestamp >= 0)) {
    throw invalid("timestamp must be a whole number of milliseconds since 1970");
  }
  if (!isCodec(codec)) throw invalid(`codec must be one of ${CODECS.join(", ")}`);
  return {
    ...{ topic: textIn(order, "topic"), partition: partition ?? undefined },
    ...{ codec, timestampMs: timestamp, mayCreate: flagIn(order, "create") },
    key: bytesOf("key", order.key),
    value: bytesOf("value", order.value),
    headers: listIn(order, "headers").map(headerOf),
  };
}

function headerOf(header: unknown, i: number): ProducerHeader {
  const { name, value } = isObject(header) ? header : {};
  if (typeof name !== "string") throw invalid(`header ${i + 1} needs a name, which is a text`);
  return { name, value: bytesOf(`the value of header '${name}'`, value) };
}

function bytesOf(what: string, value: unknown): Uint8Array | string | null {
  if (value === null || typeof value === "string") return value;
  const { hex, base64 } = isObject(value) ? value : {};
  if (typeof hex === "string") return ofHex(what, hex);
  if (typeof base64 === "string") return ofBase64(what, base64);
  throw invalid(`${what} must be null, a text, {hex} or {base64}`);
}

/** Spaces and line breaks may separate digits. */
function ofHex(what: string, text: string): Uint8Array {
  const digits = text.replace(/\s+/g, "");
  const isHex = digits.length % 2 === 0 && /^[0-9a-f]*$/i.test(digits);
  if (!isHex)
    throw invalid(`${what} is not hexadecimal: it needs two digits of 0-9 a-f for each byte`);
  return Buffer.from(digits, "hex");
}

/** Of both alphabets, with or without padding. */
function ofBase64(what: string, text: string): Uint8Array {
  const digits = text.replace(/\s+/g, "").replace(/={1,2}$/, "");
  const isBase64 = digits.length % 4 !== 1 && /^[\w+/-]*$/.test(digits);
  if (!isBase64) throw invalid(`${what} is not base64`);
  return Buffer.from(digits, "base64");
}

function isCodec(value: unknown): value is Codec {
  return (CODECS as readonly unknown[]).includes(value);
}
