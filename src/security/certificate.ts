// Who a client with a certificate is: its subject, written as Kafka's default principal builder does (RFC 2253, as Java's
// X500Principal): the last part first, `User:CN=ann,O=acme`.
// Leaves to others: checking the certificate (TLS), and what the user may do (authorizer.ts).
import type { Identity } from "./identity.js";

/** The types of names that RFC 2253 knows; others are written as numbers. */
const KEYWORDS: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.9": "STREET",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "0.9.2342.19200300.100.1.1": "UID",
  "0.9.2342.19200300.100.1.25": "DC",
};

const TAG = { oid: 0x06, utf8: 0x0c, printable: 0x13, teletex: 0x14, ia5: 0x16, version: 0xa0 };

const TEXT_TAGS: ReadonlySet<number> = new Set([TAG.utf8, TAG.printable, TAG.teletex, TAG.ia5]);

/** UTCTime has two digits of the year, GeneralizedTime four. */
const UTC_TIME = 0x17;

/** An element of DER. */
interface Element {
  readonly tag: number;
  /** The whole element, with tag and length. */
  readonly bytes: Uint8Array;
  readonly content: Uint8Array;
}

/** The identity in a certificate that was checked; undefined if it has no subject. It holds until the certificate expires. */
export function certificateIdentity(der: Uint8Array): Identity | undefined {
  const [certificate] = elementsOf(der);
  const [body] = elementsOf(certificate?.content);
  const fields = elementsOf(body?.content);
  // The version is left out if it is 1.
  const first = fields[0]?.tag === TAG.version ? 1 : 0;
  // Serial number, algorithm, issuer, validity, subject.
  const [, , , validity, subject] = fields.slice(first);
  const name = nameOf(subject?.content);
  const end = elementsOf(validity?.content)[1];
  if (name === "" || end === undefined) return undefined;
  return { principal: `User:${name}`, expiresAtMs: timeOf(end), isCurrent: () => true };
}

function nameOf(subject: Uint8Array | undefined): string {
  const parts = elementsOf(subject).map(({ content }) =>
    elementsOf(content)
      .map((pair) => pairOf(pair.content))
      .join("+"),
  );
  return parts.reverse().join(",");
}

function pairOf(content: Uint8Array): string {
  const [type, value] = elementsOf(content);
  if (type === undefined || value === undefined) throw new Error("a part of a name is not whole");
  const oid = oidOf(type.content);
  const keyword = KEYWORDS[oid];
  if (keyword === undefined || !TEXT_TAGS.has(value.tag))
    return `${keyword ?? oid}=#${Buffer.from(value.bytes).toString("hex")}`;
  return `${keyword}=${escaped(Buffer.from(value.content).toString("utf8"))}`;
}

function escaped(text: string): string {
  return text
    .replace(/[,=+<>#;"\\]/g, "\\$&")
    .replaceAll("\0", "\\00")
    .replace(/^[ \r]+|[ \r]+$/g, (spaces) => spaces.replace(/[ \r]/g, "\\$&"));
}

function oidOf(content: Uint8Array): string {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of content) {
    number = number * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    numbers.push(number);
    number = 0;
  }
  const [first = 0, ...rest] = numbers;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - root * 40, ...rest].join(".");
}

/** Milliseconds since the epoch of a time in UTC. */
function timeOf({ tag, content }: Element): number {
  const digits = Buffer.from(content).toString("latin1");
  const short = Number(digits.slice(0, 2));
  const isShort = tag === UTC_TIME;
  const year = isShort ? (short < 50 ? 2000 : 1900) + short : Number(digits.slice(0, 4));
  const rest = digits.slice(isShort ? 2 : 4);
  const [month = 1, day = 1, hour = 0, minute = 0, second = 0] = (rest.match(/\d\d/g) ?? []).map(
    Number,
  );
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** The elements in the content of another. Throws if the last one is not whole. */
function elementsOf(bytes: Uint8Array | undefined): readonly Element[] {
  const elements: Element[] = [];
  if (bytes === undefined) return elements;
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at]!;
    let length = bytes[at + 1] ?? 0;
    let from = at + 2;
    if (length >= 0x80) {
      const lengthBytes = length & 0x7f;
      length = 0;
      for (let i = 0; i < lengthBytes; i++) length = length * 256 + (bytes[from + i] ?? 0);
      from += lengthBytes;
    }
    const end = from + length;
    if (end > bytes.length) throw new Error("an element of a certificate is not whole");
    elements.push({ tag, bytes: bytes.subarray(at, end), content: bytes.subarray(from, end) });
    at = end;
  }
  return elements;
}
