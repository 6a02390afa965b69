// `bun run bench:e2e`: the compiled broker as a process, over loopback, with each figure beside that of a bare probe.
// Leaves to others: the read path in one process (run.ts), and how cost grows (growth.ts).
//
//   --only PARTS       some of: produce, matrix, fetch, protocols, latency, start, memory, clients,
//                      commits
//   --quick, --tiny    smaller runs; minimal runs, to check that it works
//   --rounds N         counted pairs of runs (5)
//   --memory-seconds N how long to watch memory at full speed (20)
//   --dir DIR          directory for the data, on a real disk
//   --json             JSON output; --markdown: the tables of docs/PERFORMANCE.md
import { parseArgs } from "node:util";
import { clientBars } from "./e2e/clients.js";
import { commitBars } from "./e2e/commits.js";
import { fetchBars } from "./e2e/fetch.js";
import { latencyBars } from "./e2e/latency.js";
import { memoryBars } from "./e2e/memory.js";
import { produceBars, produceMatrix } from "./e2e/produce.js";
import { protocolBars } from "./e2e/protocols.js";
import type { Section } from "./report.js";
import { Bench, SCALES } from "./e2e/setup.js";
import { startBars } from "./e2e/start.js";

const PARTS: Readonly<Record<string, (bench: Bench) => Promise<Section>>> = {
  produce: produceBars,
  fetch: fetchBars,
  protocols: protocolBars,
  latency: latencyBars,
  start: startBars,
  clients: clientBars,
  commits: commitBars,
  memory: memoryBars,
  matrix: produceMatrix,
};

const { values } = parseArgs({
  options: {
    only: { type: "string", default: Object.keys(PARTS).join(",") },
    quick: { type: "boolean", default: false },
    tiny: { type: "boolean", default: false },
    rounds: { type: "string" },
    "memory-seconds": { type: "string" },
    dir: { type: "string" },
    json: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
  },
});

const base = values.tiny ? SCALES.tiny : values.quick ? SCALES.quick : SCALES.whole;
const scale = {
  ...base,
  rounds: Number(values.rounds ?? base.rounds),
  memorySeconds: Number(values["memory-seconds"] ?? base.memorySeconds),
};
const parts = values.only.split(",");
const unknown = parts.filter((part) => PARTS[part] === undefined);
if (unknown.length > 0) {
  console.error(`no such part: ${unknown.join(", ")}; there are ${Object.keys(PARTS).join(", ")}`);
  process.exit(2);
}
if (!(scale.rounds >= 1 && scale.memorySeconds > 0)) {
  console.error("--rounds is 1 or more, --memory-seconds above 0");
  process.exit(2);
}

using bench = new Bench(scale, values.dir);
const sections: Section[] = [];
for (const part of parts) {
  const section = await PARTS[part]!(bench);
  sections.push(section);
  if (!values.json) process.stdout.write(values.markdown ? section.markdown : section.text);
}
if (values.json) {
  console.log(
    JSON.stringify(
      sections.map(({ title, rows }) => ({ title, rows })),
      null,
      2,
    ),
  );
}
