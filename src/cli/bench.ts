// `rustlog bench`: how fast a broker takes records and gives them, seen by an application that uses our library.
// Leaves to others: the two loads (bench-produce.ts, bench-consume.ts), and what is told of them (bench-report.ts).
import { consumeLoad } from "./bench-consume.ts";
import { produceLoad } from "./bench-produce.ts";
import { newCommand } from "./command.ts";
import { wholeNumber } from "./numbers.ts";
import { batchBytesOption, brokerOption, compressionOption, lingerOption } from "./options.ts";
import { sizeBetween } from "./size.ts";

const EXAMPLES = `
  rustlog bench produce load --records 5000000
  rustlog bench produce load --records 100000 --size 1KiB --rate 10000
  rustlog bench produce load --connections 4 --partitions 4 --compression zstd
  rustlog bench consume load --records 5000000`;

/** Connections that one process can be expected to keep busy. */
const CONNECTIONS_MAX = 1_000;

export function benchCommand() {
  const description = "Measure a broker from here: how fast it takes records, and gives them";
  return newCommand("bench", description, EXAMPLES).addCommand(produce()).addCommand(consume());
}

function produce() {
  const example = "rustlog bench produce load --records 5000000 --size 100";
  return newCommand(
    "produce",
    "Write records of random letters, one by one, and measure each one's time to its acknowledgement",
    example,
  )
    .argument("<topic>", "topic to write to; created if it is missing")
    .addOption(brokerOption())
    .option("-n, --records <n>", "records to write", wholeNumber(1), 1_000_000)
    .option("-s, --size <size>", "bytes of each value", sizeBetween(0, 2 ** 30), 100)
    .option(
      "-r, --rate <n>",
      "records a second, evenly; a record's time then begins when it is due (default: as fast as it goes)",
      wholeNumber(1),
    )
    .option(
      "-c, --connections <n>",
      "connections, each with a producer of its own",
      wholeNumber(1, CONNECTIONS_MAX),
      1,
    )
    .addOption(compressionOption())
    .addOption(batchBytesOption())
    .addOption(lingerOption())
    .option(
      "--partitions <n>",
      "partitions of a topic that is created (default: the broker's)",
      wholeNumber(1),
    )
    .option("--json", "print the summary as JSON")
    .action((topic, options) => produceLoad({ topic, ...options, json: options.json === true }));
}

function consume() {
  const example = "rustlog bench consume load --records 5000000";
  return newCommand(
    "consume",
    "Read a topic from its start, visiting every record, and measure how long each portion is waited for",
    example,
  )
    .argument("<topic>", "topic to read")
    .addOption(brokerOption())
    .option(
      "-n, --records <n>",
      "records to read, of each connection (default: all that are there)",
      wholeNumber(1),
    )
    .option(
      "-c, --connections <n>",
      "connections; each of them reads everything",
      wholeNumber(1, CONNECTIONS_MAX),
      1,
    )
    .option("--json", "print the summary as JSON")
    .action((topic, options) => consumeLoad({ topic, ...options, json: options.json === true }));
}
