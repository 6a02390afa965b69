// Produces batches over loopback, compared with a bare server that appends them: the bars, and the matrix.
// Leaves to others: encoding records (clients.ts). Here one encoded batch is sent repeatedly.
import { type Column, type BarRow, barRow, barSection, Section } from "../report.js";
import { threeDigits } from "../numbers.js";
import {
  adminClient,
  type Bench,
  inPairs,
  megabytesASecond,
  type ProduceShape,
  produceToBroker,
  produceToProbe,
  type ServedResult,
} from "./setup.js";

const KiB = 1024;
const IN_FLIGHT = 16;
const MATRIX_ROUNDS_MAX = 3;

type Flush = "always" | "never";

/** Large enough that no segment is sealed during a run, so the policy never causes no flush. */
const ONE_SEGMENT = ["--segment-bytes", "2047MiB"];

const BARS = [
  { flush: "never", batchBytes: 1024 * KiB, bar: 0.6, words: ", one segment", flags: ONE_SEGMENT },
  { flush: "never", batchBytes: 64 * KiB, bar: 0.6, words: ", one segment", flags: ONE_SEGMENT },
  { flush: "never", batchBytes: 1024 * KiB, bar: 0.6, words: "", flags: [] },
  { flush: "never", batchBytes: 64 * KiB, bar: 0.6, words: "", flags: [] },
  { flush: "always", batchBytes: 1024 * KiB, bar: 0.8, words: "", flags: [] },
  { flush: "always", batchBytes: 64 * KiB, bar: 0.8, words: "", flags: [] },
] as const;

/** A cell of the matrix. */
interface Cell {
  readonly recordBytes: number;
  readonly batchBytes: number;
  readonly connections: number;
  readonly flush: Flush;
}

interface MatrixRow extends Cell {
  readonly recordsASecond: number;
  readonly megabytesASecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly cpuSecondsAGigabyte: number;
  readonly probeMegabytesASecond: number;
  readonly probeCpuSecondsAGigabyte: number;
  readonly ratio: number;
}

/** The bars of producing. */
export async function produceBars(bench: Bench): Promise<Section> {
  const rows: BarRow[] = [];
  for (const { flush, batchBytes, bar, words, flags } of BARS) {
    const shape = {
      recordBytes: KiB,
      batchBytes,
      partitions: 1,
      connections: 1,
      inFlight: IN_FLIGHT,
    };
    const { first, second } = await beside(bench, bench.scale.rounds, flush, shape, flags);
    const what = `produce, --flush ${flush}, batches of ${bytesText(batchBytes)}${words}`;
    const [measured, probe] = [first.map(megabytesASecond), second.map(megabytesASecond)];
    rows.push(barRow(what, "MB/s", "≥", bar, measured, probe));
  }
  return barSection(
    `Produce: one connection, ${IN_FLIGHT} requests in flight, one partition`,
    rows,
  );
}

/** Record size × batch size × connections × flush policy. Each cell shows the pair with the median ratio. */
export async function produceMatrix(bench: Bench): Promise<Section> {
  const rows: MatrixRow[] = [];
  const { recordSizes, connections: counts } = bench.scale;
  for (const flush of ["never", "always"] as const) {
    for (const recordBytes of recordSizes) {
      for (const batchBytes of [16 * KiB, 1024 * KiB]) {
        for (const connections of counts) {
          rows.push(await matrixRow(bench, { flush, recordBytes, batchBytes, connections }));
        }
      }
    }
  }
  return Section.of(
    `Produce: the matrix. One partition; ${IN_FLIGHT} requests in flight in all, one a connection at least`,
    rows,
    COLUMNS,
  );
}

const COLUMNS: readonly Column<MatrixRow>[] = [
  { title: "flush", cell: ({ flush }) => flush },
  { title: "record", cell: ({ recordBytes }) => bytesText(recordBytes) },
  { title: "batch", cell: ({ batchBytes }) => bytesText(batchBytes) },
  { title: "connections", cell: ({ connections }) => connections },
  { title: "records/s", cell: (row) => Math.round(row.recordsASecond) },
  { title: "MB/s", cell: (row) => Math.round(row.megabytesASecond) },
  { title: "p50 ms", cell: (row) => threeDigits(row.p50) },
  { title: "p99 ms", cell: (row) => threeDigits(row.p99) },
  { title: "p99.9 ms", cell: (row) => threeDigits(row.p999) },
  { title: "CPU s/GB", cell: (row) => row.cpuSecondsAGigabyte.toFixed(2) },
  { title: "probe MB/s", cell: (row) => Math.round(row.probeMegabytesASecond) },
  { title: "probe CPU s/GB", cell: (row) => row.probeCpuSecondsAGigabyte.toFixed(2) },
  { title: "ratio", cell: (row) => row.ratio.toFixed(2) },
];

async function matrixRow(bench: Bench, cell: Cell): Promise<MatrixRow> {
  const { recordBytes, batchBytes, connections } = cell;
  const inFlight = Math.max(1, Math.floor(IN_FLIGHT / connections));
  const shape = { recordBytes, batchBytes, connections, inFlight, partitions: 1 };
  const rounds = Math.min(MATRIX_ROUNDS_MAX, bench.scale.rounds);
  const { first, second } = await beside(bench, rounds, cell.flush, shape);
  const pairs = first.map((result, i) => ({ broker: result, probe: second[i]! }));
  pairs.sort((a, b) => ratioOf(a) - ratioOf(b));
  const pair = pairs[pairs.length >> 1]!;
  const { broker, probe } = pair;
  return {
    ...cell,
    recordsASecond: broker.records / broker.seconds,
    megabytesASecond: megabytesASecond(broker),
    p50: broker.p50,
    p99: broker.p99,
    p999: broker.p999,
    cpuSecondsAGigabyte: cpuSecondsAGigabyte(broker),
    probeMegabytesASecond: megabytesASecond(probe),
    probeCpuSecondsAGigabyte: cpuSecondsAGigabyte(probe),
    ratio: ratioOf(pair),
  };
}

interface Pair {
  readonly broker: ServedResult;
  readonly probe: ServedResult;
}

function ratioOf({ broker, probe }: Pair): number {
  return megabytesASecond(broker) / megabytesASecond(probe);
}

async function beside(
  bench: Bench,
  rounds: number,
  flush: Flush,
  shape: ProduceShape,
  flags: readonly string[] = [],
) {
  await using broker = await bench.broker("--flush", flush, ...flags);
  await using client = await adminClient(broker);
  return await inPairs(
    rounds,
    () => produceToBroker(bench, broker, client, shape),
    () => produceToProbe(bench, shape, flush === "always"),
  );
}

function cpuSecondsAGigabyte({ cpuSeconds, bytes }: ServedResult): number {
  return cpuSeconds / (bytes / 1e9);
}

function bytesText(bytes: number): string {
  if (bytes < KiB) return `${bytes} B`;
  return bytes < KiB * KiB ? `${bytes / KiB} KiB` : `${bytes / KiB / KiB} MiB`;
}
