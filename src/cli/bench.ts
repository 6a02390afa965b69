// `rustlog bench`: measures how fast a broker accepts and delivers records, through our own client library.
// Leaves to others: the two loads (bench-produce.ts, bench-consume.ts) and the report (bench-report.ts).
import { consumeLoad } from "./bench-consume.js";
import { produceLoad } from "./bench-produce.js";
import { newCommand } from "./command.js";
import { newClientCommand } from "./connection.js";
import { wholeNumber } from "./numbers.js";
import { batchBytesOption, compressionOption, lingerOption } from "./options.js";
import { sizeBetween } from "./size.js";

const EXAMPLES = `
  rustlog bench produce load --records 5000000
  rustlog bench produce load --records 100000 --size 1KiB --rate 10000
  rustlog bench produce load --connections 4 --partitions 4 --compression zstd
  rustlog bench consume load --records 5000000`;

/** The most connections that one process can keep busy. */
const CONNECTIONS_MAX = 1_000;

export function benchCommand() {
  const description = "Measure how fast a broker accepts and delivers records";
  return newCommand("bench", description, EXAMPLES).addCommand(produce()).addCommand(consume());
}

function produce() {
  const example = "rustlog bench produce load --records 5000000 --size 100";
  return newClientCommand(
    "produce",
    "Write records of random letters and measure the time to each acknowledgement",
    example,
  )
    .argument("<topic>", "topic to write to; created if missing")
    .option("-n, --records <n>", "records to write", wholeNumber(1), 1_000_000)
    .option("-s, --size <size>", "bytes of each value", sizeBetween(0, 2 ** 30), 100)
    .option(
      "-r, --rate <n>",
      "records per second, evenly spaced; latency then counts from when a record is due (default: no limit)",
      wholeNumber(1),
    )
    .option(
      "-c, --connections <n>",
      "number of connections, each with its own producer",
      wholeNumber(1, CONNECTIONS_MAX),
      1,
    )
    .addOption(compressionOption())
    .addOption(batchBytesOption())
    .addOption(lingerOption())
    .option(
      "--partitions <n>",
      "partitions if the topic is created (default: the broker's setting)",
      wholeNumber(1),
    )
    .option("--json", "print the summary as JSON")
    .action((topic, options) => produceLoad({ topic, ...options, json: options.json === true }));
}

function consume() {
  const example = "rustlog bench consume load --records 5000000";
  return newClientCommand(
    "consume",
    "Read every record of a topic and measure how long each batch takes to arrive",
    example,
  )
    .argument("<topic>", "topic to read")
    .option("-n, --records <n>", "records to read per connection (default: all)", wholeNumber(1))
    .option(
      "-c, --connections <n>",
      "number of connections; each reads everything",
      wholeNumber(1, CONNECTIONS_MAX),
      1,
    )
    .option("--json", "print the summary as JSON")
    .action((topic, options) => consumeLoad({ topic, ...options, json: options.json === true }));
}
