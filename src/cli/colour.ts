// Decides whether output is coloured.
// Leaves to others: the colours (inspection/hex.ts).
import { coloured, type Paint, plain } from "../inspection/hex.js";

/** Colours on a terminal, unless NO_COLOR is set (https://no-color.org). */
export function paintForStdout(): Paint {
  const isWanted =
    process.stdout.isTTY === true &&
    (process.env.NO_COLOR ?? "") === "" &&
    process.env.TERM !== "dumb";
  return isWanted ? coloured : plain;
}
