// What is said of options that do not fit: it must name what there is to change.
import { expect, test } from "bun:test";
import { type BrokerOptions, resolveOptions } from "../../src/broker/options.js";
import { brokerCommand } from "../../src/cli/broker.js";

const OUT_OF_RANGE: { readonly [Name in keyof BrokerOptions]: BrokerOptions[Name] } = {
  dataDir: "",
  host: "",
  port: 65_536,
  flush: { kind: "interval", ms: 2 ** 31 },
  defaultPartitions: 0,
  segmentBytes: 0,
  segmentMs: 0,
  retentionBytes: -2,
  retentionMs: -2,
  retentionCheckMs: 2 ** 31,
  maxFrameBytes: 0,
  maxBatchBytes: 0,
  maxConnections: 0,
  maxConnectionBytes: 0,
  maxInflightBytes: 0,
  idleTimeoutMs: 2 ** 31,
  stopGraceMs: 2 ** 31,
};

test("an option out of its range is named by its flag, or by its own name if it has no flag", () => {
  const flags = brokerCommand().options.map(({ long }) => long);
  for (const [name, value] of Object.entries(OUT_OF_RANGE)) {
    const options: BrokerOptions = { dataDir: "data", [name]: value };
    let said = "";
    try {
      resolveOptions(options);
    } catch (error) {
      said = error instanceof RangeError ? error.message : String(error);
    }
    const named = said.split(" ", 1)[0] ?? "";
    expect(named.startsWith("--") ? flags : [name]).toContain(named);
  }
});
