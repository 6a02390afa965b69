// Places in the partitions of a topic as text: what `rustlog consume --offset` takes as a start, or an offset in each partition.
// Leaves to others: their offsets (services/records/).
//
//   place = a place of offset-place.ts | "~" offset ("." offset)*      offsets in base 36 by partition, "" for none
import { OFFSET_MAX } from "../../limits.js";
import { EXPECTED_PLACE, tryParseOffset } from "../../offset-place.js";
import type { Place, Positions } from "../../services/records/browse.js";
import { invalid } from "./answer.js";

const RADIX = 36;

/** Longest text of a place: offsets of 11 digits in 500 partitions. A request has up to three of them. */
const PLACE_LENGTH_MAX = 6_000;

/** Reads a place. Throws INVALID_REQUEST. */
export function placeOfText(name: string, text: string): Place {
  if (text.startsWith("~")) return positionsOf(name, text);
  const place = tryParseOffset(text.trim(), Date.now());
  if (place === undefined) throw invalid(`${name} is '${text.slice(0, 100)}'. ${EXPECTED_PLACE}`);
  return place;
}

/** Reads an offset, which is of this partition, or offsets of all. Throws INVALID_REQUEST. */
export function positionsOfText(
  name: string,
  text: string,
  partition: number | undefined,
): Positions {
  const place = placeOfText(name, text);
  if (typeof place === "number" && partition !== undefined) {
    const positions: (number | undefined)[] = [];
    positions[partition] = place;
    return positions;
  }
  if (typeof place === "object" && "length" in place) return place;
  throw invalid(`${name} is '${text.slice(0, 100)}'; expected what an earlier answer had there`);
}

/** Writes offsets: of one partition as a number. */
export function textOfPositions(positions: Positions, partition: number | undefined): string {
  if (partition !== undefined) return String(positions[partition] ?? 0);
  // Not map, which passes over holes.
  return `~${Array.from(positions, (offset) => offset?.toString(RADIX) ?? "").join(".")}`;
}

function positionsOf(name: string, text: string): Positions {
  if (text.length > PLACE_LENGTH_MAX) throw invalid(`${name} is too long`);
  return text
    .slice(1)
    .split(".")
    .map((part) => {
      if (part === "") return undefined;
      const offset = /^[0-9a-z]{1,11}$/.test(part) ? Number.parseInt(part, RADIX) : Number.NaN;
      if (offset <= OFFSET_MAX) return offset;
      throw invalid(`${name} has '${part.slice(0, 20)}' where there must be an offset in base 36`);
    });
}
