// The fields of --json are an interface: docs/JSON.md lists them, and this compares the lists with real output.
// Leaves to others: the values (the tests of each command).
import { expect, test } from "bun:test";
import { readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../src/index.js";
import { joinGroup } from "../support/group-members.js";
import { edit, fileOf, makeSample } from "../inspection/sample.js";
import { tempDir } from "../support/tmp.js";
import { run, startBroker } from "./rustlog.js";

interface DocumentedField {
  readonly name: string;
  readonly isOptional: boolean;
  /** `segment` for `segment`, `segment[]` and `segment or null`. */
  readonly shape: string;
  readonly isArray: boolean;
}

/** The tables of the document by the heading above them. */
function documented(): Map<string, readonly DocumentedField[]> {
  const text = readFileSync(join(import.meta.dir, "../../docs/JSON.md"), "utf8");
  const sections = new Map<string, readonly DocumentedField[]>();
  for (const section of text.split(/^## /m).slice(1)) {
    const heading = section.slice(0, section.indexOf("\n"));
    const rows = [...section.matchAll(/^\| `([^`]+?)(\?)?` \| (\w+)(\[\])?[^|]* \|/gm)];
    const fields = rows.map(([, name = "", mark = "", shape = "", array = ""]) => ({
      name,
      isOptional: mark !== "",
      shape,
      isArray: array !== "",
    }));
    sections.set(heading, fields);
  }
  return sections;
}

const SECTIONS = documented();

/** The paths of a section: all fields, and those that are always present. */
function expand(
  heading: string,
  prefix = "",
  isOptional = false,
): { readonly all: string[]; readonly required: string[] } {
  const fields = SECTIONS.get(heading);
  if (fields === undefined || fields.length === 0) {
    throw new Error(`docs/JSON.md has no table under '${heading}'`);
  }
  const all: string[] = [];
  const required: string[] = [];
  for (const field of fields) {
    const path = prefix + field.name;
    all.push(path);
    if (!isOptional && !field.isOptional) required.push(path);
    const shape = `Shape: ${field.shape}`;
    if (!SECTIONS.has(shape)) continue;
    // An array may be empty, and a nullable field may be null.
    const inner = expand(shape, `${path}${field.isArray ? "[]" : ""}.`, true);
    all.push(...inner.all);
  }
  return { all, required };
}

/** The paths of all fields of a value; those of objects in an array have `[]`. */
function pathsOf(value: unknown, prefix = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsOf(item, `${prefix}[]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, field]) => {
    const path = prefix === "" || prefix === "[]" ? name : `${prefix}.${name}`;
    return [path, ...pathsOf(field, path)];
  });
}

/** Compares what a command printed with the section of the document that has this heading. */
function check(heading: string, outputs: readonly unknown[]): void {
  const { all, required } = expand(heading);
  const paths = new Set(outputs.flatMap((output) => pathsOf(output)));
  expect([...paths].filter((path) => !all.includes(path))).toEqual([]);
  expect(required.filter((path) => !paths.has(path))).toEqual([]);
}

async function jsonOf(args: readonly string[], broker?: string): Promise<unknown> {
  const { stdout } = await run([...args, "--json"], broker === undefined ? {} : { broker });
  return JSON.parse(stdout);
}

async function jsonLinesOf(args: readonly string[], broker?: string): Promise<unknown[]> {
  const { stdout } = await run([...args, "--json"], broker === undefined ? {} : { broker });
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

test("topics, groups, consume and bench print the documented fields", async () => {
  await using broker = await startBroker();
  const { address } = broker;
  check("`rustlog topics create --json`", [
    await jsonOf(
      ["topics", "create", "t", "--partitions", "2", "--config", "retention.ms=1d"],
      address,
    ),
  ]);
  const client = await connect({ broker: address });
  const producer = client.producer();
  const binary = Uint8Array.of(255);
  await producer.send("t", { key: "k", value: "v", partition: 0 });
  await producer.send("t", {
    key: binary,
    value: binary,
    headers: [
      { name: "h", value: binary },
      { name: "n", value: null },
    ],
    partition: 0,
  });
  await client.close();
  await run(["consume", "t", "--group", "g", "-p", "0", "-n", "1"], { broker: address });
  check("`rustlog topics list --json`", [await jsonOf(["topics", "list"], address)]);
  check("`rustlog topics describe --json`", [await jsonOf(["topics", "describe", "t"], address)]);
  await joinGroup(broker.broker.context.groups, "m", [{ clientId: "c", assigned: { t: [1] } }]);
  check("`rustlog groups list --json`", [await jsonOf(["groups", "list"], address)]);
  check("`rustlog groups describe --json`", [
    await jsonOf(["groups", "describe", "g"], address),
    await jsonOf(["groups", "describe", "m"], address),
  ]);
  check("`rustlog groups seek --json`", [
    await jsonOf(["groups", "seek", "g", "t", "--to", "earliest"], address),
  ]);
  check("`rustlog groups delete-offsets --json`", [
    await jsonOf(["groups", "delete-offsets", "g", "t:1"], address),
  ]);
  check("`rustlog consume --json`", await jsonLinesOf(["consume", "t"], address));
  check("`rustlog bench produce --json` and `bench consume --json`", [
    await jsonOf(["bench", "produce", "b", "-n", "10"], address),
    await jsonOf(["bench", "consume", "b"], address),
  ]);
  check("`rustlog ping --json`", [await jsonOf(["ping"], address)]);
  check("`rustlog explain produce --json`", [
    await jsonOf(["explain", "produce", "t", "v"], address),
  ]);
  check("`rustlog groups delete --json`", [await jsonOf(["groups", "delete", "g"], address)]);
  const change = ["--partitions", "3", "--config", "retention.ms=2d"];
  check("`rustlog topics alter --json`", [
    await jsonOf(["topics", "alter", "t", ...change], address),
  ]);
  await jsonOf(["topics", "create", "c", "--config", "cleanup.policy=compact"], address);
  check("`rustlog compact --json`", [await jsonOf(["compact", "c"], address)]);
  check("`rustlog topics trim --json`", [
    await jsonOf(["topics", "trim", "t", "--before", "latest"], address),
  ]);
  check("`rustlog topics delete --json`", [await jsonOf(["topics", "delete", "t"], address)]);
});

test("profile prints the documented fields", async () => {
  using directory = tempDir();
  const env = { XDG_CONFIG_HOME: directory.path };
  await run(["profile", "create", "p", "-b", "h", "--use"], { env });
  for (const command of ["list", "show"]) {
    const { stdout } = await run(["profile", command, "--json"], { env });
    check(`\`rustlog profile ${command} --json\``, [JSON.parse(stdout)]);
  }
});

test("inspect, explain and verify print the documented fields", async () => {
  using directory = tempDir();
  const { path } = directory;
  await makeSample(path);
  const log = join(path, fileOf(0));
  const inspected = [
    ...(await jsonLinesOf(["inspect", log, "--records"])),
    ...(await jsonLinesOf(["inspect", log, "--hex"])),
  ];
  const explained = [
    await jsonOf(["explain", "orders", "0", "6", "-d", path]),
    await jsonOf(["explain", "orders", "0", "--timestamp", "1", "-d", path]),
    await jsonOf(["explain", "orders", "0", "999", "-d", path]),
  ];
  check("`rustlog inspect --json` of an index", [
    ...(await jsonLinesOf(["inspect", join(path, fileOf(0, "index"))])),
    ...(await jsonLinesOf(["inspect", join(path, fileOf(0, "timeindex"))])),
  ]);
  check("`rustlog inspect --json` of a producer snapshot", [
    ...(await jsonLinesOf(["inspect", join(path, fileOf(13, "snapshot"))])),
  ]);
  // Damage, and a torn tail.
  edit(log, (bytes) => {
    bytes[70] = (bytes[70] ?? 0) ^ 1;
    return bytes;
  });
  const active = join(path, fileOf(10));
  truncateSync(active, Bun.file(active).size - 1);
  inspected.push(
    ...(await jsonLinesOf(["inspect", log])),
    ...(await jsonLinesOf(["inspect", active])),
  );
  explained.push(await jsonOf(["explain", "orders", "0", "0", "-d", path]));
  check("`rustlog inspect --json` of a log", inspected);
  check("`rustlog explain --json`", explained);
  check("`rustlog verify --json`", [await jsonOf(["verify", path])]);
});
