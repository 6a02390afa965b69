// Runs the tour and writes what its commands print, and how long a chapter takes, into docs/TOUR.md: `bun
// test/tour/refresh.ts`, then read the diff.
// Leaves to others: how the document is read and run (tour.ts).
import { writeFileSync } from "node:fs";
import { readTour, runTour, stepsOf, TOUR_PATH, withMinutes, withOutputs } from "./tour.js";

const document = readTour();
const refreshed = withOutputs(document, await runTour(stepsOf(document)));
writeFileSync(TOUR_PATH, withMinutes(refreshed));
