// `bun run bench:kafka`: clients of Kafka's protocol against the compiled broker, and against Apache Kafka if it is running;
// and one record at a time over the native protocol, beside a bare server.
// Leaves to others: the native protocol's other figures (e2e.ts).
//
// franz-go is the client, in a Go program that is built first; without Go its parts are skipped.
//
//   --kafka HOST:PORT,PID  a running Apache Kafka, and its process, to measure in turns with the broker
//   --only PARTS       some of: produce, consume, latency, protocols, native, start, memory
//   --quick, --tiny    smaller runs; minimal runs, to check that it works
//   --rounds N         counted pairs of runs (5)
//   --dir DIR          directory for the data, on a real disk
//   --json             JSON output; --markdown: the tables of docs/PERFORMANCE.md
import { parseArgs } from "node:util";
import { Bench, SCALES } from "./e2e/setup.js";
import { protocolBars } from "./e2e/protocols.js";
import { consumeBars, latencyBars, produceBars } from "./kafka/clients.js";
import { FranzGo, KafkaBroker } from "./kafka/franz-go.js";
import { memoryBars, startBars } from "./kafka/idle.js";
import { nativeBars } from "./kafka/native.js";
import type { Section } from "./report.js";

const { values } = parseArgs({
  options: {
    kafka: { type: "string" },
    only: { type: "string", default: "produce,consume,latency,protocols,native,start,memory" },
    quick: { type: "boolean", default: false },
    tiny: { type: "boolean", default: false },
    rounds: { type: "string" },
    dir: { type: "string" },
    json: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
  },
});

const base = values.tiny ? SCALES.tiny : values.quick ? SCALES.quick : SCALES.whole;
using bench = new Bench({ ...base, rounds: Number(values.rounds ?? base.rounds) }, values.dir);
const CLIENT_PARTS = ["produce", "consume", "latency"];
const parts = values.only.split(",");
const hasClientParts = parts.some((part) => CLIENT_PARTS.includes(part));
const franzGo = hasClientParts ? FranzGo.build(bench.path("franz-go")) : undefined;
const kafka = values.kafka === undefined ? undefined : KafkaBroker.parse(values.kafka);

const withClient =
  (
    measure: (context: {
      bench: Bench;
      franzGo: FranzGo;
      kafka: KafkaBroker | undefined;
    }) => Promise<Section>,
  ) =>
  () => (franzGo === undefined ? undefined : measure({ bench, franzGo, kafka }));

const PARTS: Readonly<Record<string, () => Promise<Section> | undefined>> = {
  produce: withClient(produceBars),
  consume: withClient(consumeBars),
  latency: withClient(latencyBars),
  protocols: () => protocolBars(bench),
  native: () => nativeBars(bench),
  start: () => startBars(bench),
  memory: () => memoryBars(bench),
};

const sections: Section[] = [];
for (const part of parts) {
  const run = PARTS[part];
  if (run === undefined) {
    console.error(`no such part: ${part}; there are ${Object.keys(PARTS).join(", ")}`);
    process.exit(2);
  }
  const section = await run();
  if (section === undefined) {
    console.error(`skipped: ${part}, because it needs Go to build bench/kafka/franz-go`);
    continue;
  }
  sections.push(section);
  if (!values.json) process.stdout.write(values.markdown ? section.markdown : section.text);
}
if (kafka === undefined && franzGo !== undefined) {
  console.error("skipped: the comparison with Apache Kafka; name one with --kafka HOST:PORT,PID");
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
