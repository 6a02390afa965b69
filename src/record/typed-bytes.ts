// Keys and values that are one number or one UUID, as text, and bytes in hexadecimal: big-endian and in two's complement, as the
// serializers of Kafka's clients write them. For the page and the broker.
// Leaves to others: where they are shown and searched.

/** What bytes may stand for beside text. */
export const BYTE_TYPES = ["int32", "int64", "uuid", "hex"] as const;

export type ByteType = (typeof BYTE_TYPES)[number];

/** The types that stand for all bytes of a key or value, and how many these are. */
const WIDTHS = { int32: 4, int64: 8, uuid: 16 } as const;

export type FixedType = keyof typeof WIDTHS;

/** What a text has to be. */
export const EXPECTED: Readonly<Record<ByteType, string>> = {
  int32: "expected a whole number from -2147483648 to 2147483647",
  int64: "expected a whole number from -9223372036854775808 to 9223372036854775807",
  uuid: "expected a UUID: 32 digits of 0-9 a-f, as in 123e4567-e89b-12d3-a456-426614174000",
  hex: "expected two digits of 0-9 a-f for each byte",
};

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

/** The bytes that a text stands for; undefined if it stands for none, see `EXPECTED`. */
export function bytesOfTyped(text: string, type: ByteType): Uint8Array | undefined {
  if (type === "hex") return bytesOfHex(text.replace(/\s+/g, ""));
  const trimmed = text.trim();
  if (type === "uuid") {
    return UUID.test(trimmed) ? bytesOfHex(trimmed.replaceAll("-", "")) : undefined;
  }
  if (!/^[+-]?\d{1,20}$/.test(trimmed)) return undefined;
  const number = BigInt(trimmed.replace("+", ""));
  const bits = WIDTHS[type] * 8;
  if (BigInt.asIntN(bits, number) !== number) return undefined;
  return bytesOfHex(
    BigInt.asUintN(bits, number)
      .toString(16)
      .padStart(bits / 4, "0"),
  );
}

/** The text of bytes that stand for a number or a UUID; undefined if they have another length. */
export function typedText(bytes: Uint8Array, type: FixedType): string | undefined {
  if (bytes.length !== WIDTHS[type]) return undefined;
  const hex = hexDigits(bytes);
  if (type === "uuid") return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  return BigInt.asIntN(WIDTHS[type] * 8, BigInt(`0x${hex}`)).toString();
}

/** The type that stands for all of this many bytes. */
export function fixedTypeOf(length: number): FixedType | undefined {
  return FIXED_TYPES.find((type) => WIDTHS[type] === length);
}

const FIXED_TYPES = Object.keys(WIDTHS) as FixedType[];

export function isFixedType(text: string): text is FixedType {
  return Object.hasOwn(WIDTHS, text);
}

/** Bytes as digits without spaces. */
export function hexDigits(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}

function bytesOfHex(digits: string): Uint8Array | undefined {
  if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) return undefined;
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  }
  return bytes;
}
