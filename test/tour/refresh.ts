// Runs the tour and writes what its commands print into docs/TOUR.md: `bun test/tour/refresh.ts`, then read the diff.
// Leaves to others: how the document is read and run (tour.ts).
import { writeFileSync } from "node:fs";
import { readTour, runTour, stepsOf, TOUR_PATH, withOutputs } from "./tour.js";

const document = readTour();
writeFileSync(TOUR_PATH, withOutputs(document, await runTour(stepsOf(document))));
