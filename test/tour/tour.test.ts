// docs/TOUR.md is correct: each of its commands, run in order, prints what the document shows; and it is as short as it
// says.
// Leaves to others: running them (tour.ts); new output for the document (refresh.ts).
import { expect, test } from "bun:test";
import { minutesOf, readTour, runTour, stepsOf, withMinutes } from "./tour.js";

/** Text that may differ between two runs, and its replacement. Everything else is compared byte by byte. */
const DIFFERS: readonly (readonly [what: string, pattern: RegExp, instead: string])[] = [
  ["how long it took", /\bin \d+\.\d\d s\b/g, "in TIME s"],
  ["how long dd took, and its rate", /copied, [\d.e-]+ s, [\d.]+ [kMG]?B\/s/g, "copied, TIME"],
  ["a clock time; events.json has its own", /\b(?!2026-01-01)\d{4}-\d\d-\d\dT[\d:.]+Z/g, "NOW"],
  ["the same in milliseconds", /\b1(?!7672)\d{12}\b/g, "NOW"],
  ["its bytes, in the header", /(?:[\da-f]{2} ){8}(?= (?:base|max)Timestamp)/g, "NOW "],
  ["a producer's id, which is random", /(?:[\da-f]{2} ){8}( producerId +)\d+/g, "ID $1ID"],
  ["the same in a line of a batch", /\b\d+(?= epoch 0 seq)/g, "ID"],
  ["a CRC, which covers the two", /\b0x[\da-f]{8}\b/g, "CRC"],
  ["its bytes, in the header", /(?:[\da-f]{2} ){4}(?= +crc )/g, "CRC "],
  ["the id of a topic, which is random", /\b[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\b/g, "UUID"],
  ["a rate of bench", /: [\d,]+ records\/s, [\d.]+ [kMG]?B\/s$/gm, ": RATE"],
  ["its percentiles", /^ +p50 .*\n[ \d.]+$/gm, "PERCENTILES"],
];

function comparable(output: string): string {
  return DIFFERS.reduce((text, [, pattern, instead]) => text.replace(pattern, instead), output);
}

test("every command of docs/TOUR.md prints what the document shows", async () => {
  const document = readTour();
  const steps = stepsOf(document);
  // No block of the document is missed, and each is of a kind that is run.
  expect(document.match(/^```sh$/gm)).toHaveLength(steps.length);
  expect(document.match(/^```/gm)).toHaveLength(
    2 * (steps.length + steps.filter(({ output }) => output !== "").length),
  );

  const outputs = await runTour(steps);
  for (const [i, { line, commands, output }] of steps.entries()) {
    // With its commands, so that a difference shows its place.
    const head = `docs/TOUR.md, line ${line}:\n${commands}\n`;
    expect(head + comparable(outputs[i] ?? "(not run)")).toBe(head + comparable(output));
  }
}, 60_000);

test("docs/TOUR.md takes at most 40 minutes, and its contents say how long each chapter takes", () => {
  const document = readTour();
  expect(minutesOf(document)).toBeLessThanOrEqual(40);
  expect(withMinutes(document)).toBe(document);
});
