// README and docs/ against the tree: links, names of files and functions, options, commands, numbers.
// Leaves to others: docs/PROTOCOL.md against the codecs (test/protocol/documents.test.ts).
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { resolveOptions } from "../../src/broker/options.js";
import { Admin } from "../../src/client/admin.js";
import { ERRORS } from "../../src/errors.js";
import * as limits from "../../src/limits.js";
import * as batch from "../../src/record/batch.js";
import { readI32, readI64, readU16, readU32, readUuid } from "../../src/record/bytes.js";
import { crc32c } from "../../src/record/crc32c.js";
import { RecordCursor } from "../../src/record/cursor.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import * as offsetIndex from "../../src/log/index/offset-index.js";
import { encodeProducerSnapshot } from "../../src/log/producer-snapshot.js";
import * as producerStates from "../../src/log/producer-states.js";
import * as timeIndex from "../../src/log/index/time-index.js";
import { encodeOffsetKey, encodeOffsetValue } from "../../src/groups/offsets/offset-record.js";
import * as metaFile from "../../src/topics/meta-file.js";
import {
  isActive,
  TOPIC_CONFIG_NAMES,
  TOPIC_CONFIGS,
  type TopicConfig,
  topicConfig,
} from "../../src/topics/topic-configs.js";
import { logDefaults } from "../../src/topics/topic-defaults.js";
import { resolveSettings } from "../../src/topics/topic-settings.js";
import { number, plain, table, valuesOf } from "../protocol/document.js";
import {
  anchorsOf,
  DOCUMENT_PATHS,
  partUnder,
  ROOT,
  sourceFiles,
  textOf,
  withoutBlocks,
} from "./source-tree.js";

const STORAGE = textOf("docs/STORAGE.md");

/** The commands of the executable with their subcommands, by name: `topics`, `topics create`. */
async function commands(): Promise<ReadonlyMap<string, CommandUnknownOpts>> {
  const found = new Map<string, CommandUnknownOpts>();
  for (const file of readdirSync(join(ROOT, "src/cli"))) {
    const module: Record<string, unknown> = await import(join(ROOT, "src/cli", file));
    for (const [name, make] of Object.entries(module)) {
      if (!name.endsWith("Command") || typeof make !== "function" || make.length > 0) continue;
      const command = make() as CommandUnknownOpts;
      found.set(command.name(), command);
      for (const sub of command.commands) found.set(`${command.name()} ${sub.name()}`, sub);
    }
  }
  return found;
}

const COMMANDS = await commands();
/** Sources of options: our commands, the benchmarks, the long tests, and the options that our scripts pass to Bun. */
const HELP = [
  ...[...COMMANDS.values()].map((command) => command.helpInformation()),
  ...["--version", "--quiet", "--no-color"],
  ...["run", "e2e", "kafka", "growth"].map((name) => textOf(`bench/${name}.ts`)),
  ...["simulate", "crash", "fuzz", "clients", "topics", "kafka/run", "tls"].map((name) =>
    textOf(`test/${name}.ts`),
  ),
  textOf("package.json"),
  // Names of other tools, which are not in our help.
  textOf("src/cli/foreign-names.ts"),
].join("\n");

test("the reading path names files with their length, 5,000 lines in total", () => {
  const rows = table(partUnder(textOf("docs/ARCHITECTURE.md"), "## Reading path"), "");
  const files = rows.map((row) => ({
    file: plain(row.file),
    documented: number(row.lines),
    lines: textOf(`src/${plain(row.file)}`).split("\n").length - 1,
  }));
  const wrong = files.filter(({ documented, lines }) => Math.abs(documented - lines) > lines / 10);
  expect(wrong).toEqual([]);
  expect(files.length).toBeGreaterThan(10);
  expect(files.reduce((sum, { lines }) => sum + lines, 0)).toBeLessThanOrEqual(5_000);
});

describe.each(DOCUMENT_PATHS)("%s", (path) => {
  const text = textOf(path);

  test("has links that lead somewhere", () => {
    const broken = [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target ?? "")
      .filter((target) => !/^https?:/.test(target) && !leadsSomewhere(path, target));
    expect(broken).toEqual([]);
  });

  test("names only existing options", () => {
    // Options of npm, sysctl and others don't appear: all options in the documents are ours, or those of the recipe.
    const named = new Set(
      [...text.matchAll(/(?<![\w-])--[a-z][a-z-]+\b/g)].map(([option]) => option),
    );
    const others = path === "docs/SECURITY.md" ? OF_RECIPE : [];
    const ours = [...named].filter((option) => !others.includes(option));
    const unknown = ours.filter((option) => !new RegExp(`${option}\\b(?!-)`).test(HELP));
    expect(unknown).toEqual([]);
  });

  test("names only existing commands", () => {
    expect(unknownCommands(text)).toEqual([]);
  });
});

/** Options of useradd, systemd and docker in the recipe for a small server. */
const OF_RECIPE = [
  ...["--system", "--home-dir", "--shell", "--offline", "--now"],
  ...["--name", "--read-only", "--cap-drop", "--security-opt"],
];

function leadsSomewhere(from: string, target: string): boolean {
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? from : normalize(join(dirname(from), file));
  if (!existsSync(join(ROOT, path))) return false;
  return anchor === undefined || anchorsOf(textOf(path)).has(anchor);
}

function unknownCommands(text: string): string[] {
  const named = [...text.matchAll(/\brustlog ([a-z]+)(?: ([a-z]+))?/g)].map(([, name, sub]) => {
    const command = COMMANDS.get(name ?? "");
    // A command with arguments of its own accepts any word.
    const isGroup = command !== undefined && command.registeredArguments.length === 0;
    return isGroup && command.commands.length > 0 && sub !== undefined
      ? `${name} ${sub}`
      : (name ?? "");
  });
  return [...new Set(named)].filter((name) => !COMMANDS.has(name));
}

test("the help of every error names only existing commands", () => {
  const helps = Object.values(ERRORS).map(({ help }) => help);
  expect(unknownCommands(helps.join("\n"))).toEqual([]);
});

describe("README.md", () => {
  test("shows every command", () => {
    const text = textOf("README.md");
    expect([...COMMANDS.keys()].filter((name) => !name.includes(" "))).toContain("broker");
    for (const name of COMMANDS.keys()) {
      if (!name.includes(" ")) expect(text).toMatch(new RegExp(`\\brustlog ${name}\\b`));
    }
  });

  test("states the broker's defaults", () => {
    const options = COMMANDS.get("broker")?.options ?? [];
    const rows = table(textOf("README.md"), "flag");
    const listed: string[] = [];
    for (const row of rows) {
      const flags = (row.flag ?? "").split(", ").map(plain);
      const defaults = (row.default ?? "").split(", ");
      for (const [i, flag] of flags.entries()) {
        listed.push(flag);
        const option = options.find(({ long }) => long === flag);
        const isSwitch = flag.startsWith("--no-");
        const expected = option?.defaultValueDescription ?? String(option?.defaultValue);
        expect([flag, defaults[i] ?? defaults[0]]).toEqual([flag, isSwitch ? "" : expected]);
      }
    }
    expect(listed.sort()).toEqual(options.map(({ long }) => long ?? "").sort());
  });
});

describe("docs/ARCHITECTURE.md", () => {
  const text = textOf("docs/ARCHITECTURE.md");
  const sources = sourceFiles();

  test("names only existing files", () => {
    const named = new Set([...text.matchAll(/\b[a-z]+\/[a-z/-]+\.ts\b/g)].map(([name]) => name));
    const missing = [...named].filter(
      (name) => !existsSync(join(ROOT, "src", name)) && !existsSync(join(ROOT, name)),
    );
    expect(missing).toEqual([]);
  });

  test("names only existing functions", () => {
    const all = sources.map((file) => file.text).join("\n");
    const named = new Set([...text.matchAll(/([a-zA-Z]\w+)\(/g)].map(([, name]) => name ?? ""));
    expect([...named].filter((name) => !all.includes(`${name}(`))).toEqual([]);
  });

  test("names only existing methods", () => {
    // Neither `STORAGE.md` nor Bun's own API.
    const named = [...text.matchAll(/\b(?!Bun\.)([A-Z]\w+)\.(?!md\b)(#?[a-z]\w+)\b/g)];
    const missing = named.flatMap(([whole, name, method]) => {
      const declared = new RegExp(`\\b(?:class|interface) ${name}\\b`);
      const files = sources.filter((source) => declared.test(source.text));
      const pattern = new RegExp(`^ {2}.*(?<!\\w)${method}\\(`, "m");
      return files.some((file) => pattern.test(file.text)) ? [] : [whole];
    });
    expect(named.length).toBeGreaterThan(30);
    expect(missing).toEqual([]);
  });

  test("names the packages of package.json", () => {
    const { dependencies, devDependencies } = JSON.parse(textOf("package.json"));
    for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
      expect(text).toContain(`\`${name}\``);
    }
  });
});

describe("docs/STORAGE.md", () => {
  test("quotes messages as printed: without a full stop at the end", () => {
    const quoted = [...STORAGE.matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, cell]) => [
      ...(cell ?? "").matchAll(/`([^`]+)`/g),
    ]);
    expect(quoted.length).toBeGreaterThan(50);
    expect(quoted.filter(([, text]) => /[^.]\.$/.test(text ?? ""))).toEqual([]);
  });

  test("has the fields of a batch at the positions of the code", () => {
    const rows = table(partUnder(STORAGE, "### The batch"), "at");
    const fields = Object.fromEntries(rows.map((row) => [plain(row.field), number(row.at)]));
    expect(fields).toEqual(batch.FIELD);
  });

  test("has the codecs of the code", () => {
    const rows = table(partUnder(STORAGE, "### The batch"), "codec");
    const codecs: Record<string, number> = {};
    for (const row of rows) codecs[plain(row.name)] = number(row.codec);
    expect(codecs).toEqual(Object.fromEntries(batch.CODECS.map((name, i) => [name, i])));
  });

  test("has an example that is a valid batch, described correctly", () => {
    const block = /```hex\n([\s\S]*?)```/.exec(partUnder(STORAGE, "### An example"))?.[1] ?? "";
    const hex = block.split("\n").map((line) => line.slice(0, 30).trim());
    const bytes = Uint8Array.from(Buffer.from(hex.join("").replaceAll(" ", ""), "hex"));
    expect(batch.findBatchFault(bytes, 0, bytes.length)).toBeUndefined();
    const cursor = new RecordCursor().reset(bytes);
    expect(cursor.next()).toBe(true);
    expect([cursor.offset, cursor.timestamp]).toEqual([42, 1_700_000_000_000]);
    expect([cursor.keyText(), cursor.valueText()]).toEqual(["k", "hello"]);
    expect(cursor.headers()).toEqual([{ name: "lang", value: new TextEncoder().encode("en") }]);
    expect(cursor.next()).toBe(true);
    expect([cursor.offset, cursor.timestamp]).toEqual([43, 1_700_000_000_001]);
    expect([cursor.key(), cursor.value()]).toEqual([null, null]);
    expect(cursor.next()).toBe(false);
  });

  test("has the CRC's check value", () => {
    const check = /of the ASCII bytes `123456789` it is (0x[0-9A-F]{8})/.exec(STORAGE)?.[1];
    expect(Number(check)).toBe(crc32c(new TextEncoder().encode("123456789"), 0, 9));
  });

  test("has the layout of an entry of the offset index", () => {
    const rows = table(partUnder(STORAGE, "## The offset index: `.index`"), "at");
    const index = new offsetIndex.OffsetIndex();
    index.append(11, 22);
    const bytes = index.bytesFrom(0);
    const read = rows.map((row) => [plain(row.field), readU32(bytes, number(row.at))]);
    expect(read).toEqual([
      ["relativeOffset", 11],
      ["position", 22],
    ]);
    expect(bytes.length).toBe(offsetIndex.OFFSET_ENTRY_BYTES);
  });

  test("has the layout of an entry of the time index", () => {
    const rows = table(partUnder(STORAGE, "## The time index: `.timeindex`"), "at");
    const index = new timeIndex.TimeIndex();
    index.appendIfLater(1_700_000_000_000, 33);
    const bytes = index.bytesFrom(0);
    const at = Object.fromEntries(rows.map((row) => [plain(row.field), number(row.at)]));
    expect(Object.keys(at)).toEqual(["timestamp", "relativeOffset"]);
    expect(readI64(bytes, at.timestamp ?? -1)).toBe(1_700_000_000_000);
    expect(readU32(bytes, at.relativeOffset ?? -1)).toBe(33);
    expect(bytes.length).toBe(timeIndex.TIME_ENTRY_BYTES);
  });

  test("has the layout of a snapshot of producers", () => {
    const part = partUnder(STORAGE, "## Producers: `.snapshot`");
    const head = table(part, "at");
    const entry = table(part, "in the entry");
    const bytes = encodeProducerSnapshot(oneProducer());
    const headAt = Object.fromEntries(head.map((row) => [plain(row.field), number(row.at)]));
    const entriesAt = headAt.entries ?? -1;
    expect(bytes.length).toBe(entriesAt + number(head.at(-1)?.type?.split(" ")[0]));
    expect(readU16(bytes, headAt.version ?? -1)).toBe(1);
    expect(readU32(bytes, headAt.crc ?? -1)).toBe(crc32c(bytes, headAt.count ?? -1, bytes.length));
    expect(readI32(bytes, headAt.count ?? -1)).toBe(1);
    const read = { i16: readU16, i32: readI32, i64: readI64 };
    const fields = entry.map((row) => {
      const readField = read[plain(row.type) as keyof typeof read];
      return [plain(row.field), readField(bytes, entriesAt + number(row["in the entry"]))];
    });
    expect(Object.fromEntries(fields)).toEqual({
      producerId: 77,
      epoch: 5,
      lastSequence: 10,
      lastOffset: 101,
      offsetDelta: 1,
      timestamp: 1_700_000_000_001,
      coordinatorEpoch: -1,
      currentTxnFirstOffset: -1,
    });
  });

  describe("has the settings of a topic:", () => {
    const part = partUnder(STORAGE, "## Settings of a topic");
    const tables = part.split("\n\n").filter((block) => block.startsWith("| setting"));
    const [active, any, only] = tables.map((block) => table(block, "setting"));
    const names = (isListed: (config: TopicConfig) => boolean) =>
      TOPIC_CONFIG_NAMES.filter((name) => isListed(TOPIC_CONFIGS[name]));
    const settingsOf = (rows: typeof active) => rows?.map((row) => plain(row.setting));

    test("those that the broker uses, with ranges, flags and defaults", () => {
      expect(settingsOf(active)).toEqual(names(isActive));
      const options = resolveOptions({ dataDir: "data" });
      const brokerOptions = COMMANDS.get("broker")?.options ?? [];
      const defaults = logDefaults(options, {});
      for (const row of active ?? []) {
        const name = plain(row.setting);
        const resolve = (value: string) => resolveSettings({ [name]: value }, defaults);
        const { accepted, refused } = valuesOf(row);
        for (const value of accepted) resolve(value);
        for (const value of refused) expect(() => resolve(value)).toThrow(name);
        const flag = brokerOptions.find(({ long }) => long === plain(row["broker's flag"]));
        const option = flag?.attributeName() as keyof typeof options;
        expect([name, flag?.long]).toEqual([name, plain(row["broker's flag"])]);
        const inTable = plain(row.default).replaceAll(",", "").replace("−", "-");
        expect([name, inTable]).toEqual([
          name,
          topicConfig(name)?.default ?? String(options[option]),
        ]);
      }
    });

    test("those that accept any value, and those that accept only one", () => {
      expect(settingsOf(any)).toEqual(names((it) => !isActive(it) && it.only === undefined));
      for (const row of any ?? []) {
        const { default: expected = "by --flush" } = topicConfig(plain(row.setting)) ?? {};
        expect(plain(row.default)).toBe(expected);
      }
      expect(settingsOf(only)).toEqual(names((it) => it.only !== undefined));
      for (const row of only ?? []) {
        const config = topicConfig(plain(row.setting));
        expect([config?.only, config?.default]).toEqual([
          [plain(row["only value"])],
          plain(row["only value"]),
        ]);
      }
    });
  });

  test("has the numbers of the code", () => {
    const known: Record<string, unknown> = {
      ...limits,
      ...batch,
      ...offsetIndex,
      ...timeIndex,
      ...producerStates,
      ...metaFile,
    };
    for (const row of table(partUnder(STORAGE, "## Numbers"), "constant")) {
      const name = plain(row.constant);
      expect([name, number(row.value)]).toEqual([name, Number(known[name])]);
    }
  });
});

/** A producer whose last batch had two records: sequence numbers 9 and 10, offsets 100 and 101. */
function oneProducer(): producerStates.ProducerStates {
  const encoder = new BatchEncoder();
  encoder.append(1_700_000_000_000, null, "a");
  encoder.append(1_700_000_000_001, null, "b");
  const bytes = encoder.finish({ producerId: 77, producerEpoch: 5, baseSequence: 9 });
  batch.stampBaseOffset(bytes, 0, 100);
  const states = new producerStates.ProducerStates();
  states.note(bytes, 0);
  return states;
}

describe("docs/OFFSETS.md", () => {
  const text = textOf("docs/OFFSETS.md");

  test("has the layout of a committed offset", () => {
    const positions = /^ {7}(0(?: +\d+)+)$/m.exec(text)?.[1]?.trim().split(/ +/).map(Number);
    expect(positions).toEqual([0, 2, 10, 14, 15, 23, 26, 42]);
    const topicId = "00112233-4455-4677-8899-aabbccddeeff";
    const value = encodeOffsetValue({ offset: 42, commitTimestamp: 1_700_000_000_000, topicId });
    expect(value.length).toBe(42);
    expect([readU16(value, 0), readI64(value, 2), readI32(value, 10)]).toEqual([4, 42, -1]);
    expect([value[14]!, readI64(value, 15)]).toEqual([1, 1_700_000_000_000]);
    expect([...value.subarray(23, 26), readUuid(value, 26)]).toEqual([1, 0, 16, topicId]);
    const ahead = encodeOffsetValue({
      ...{ offset: 42, commitTimestamp: 1, topicId },
      details: { leaderEpoch: -1, metadata: "", isAhead: true },
    });
    expect([ahead.subarray(23, 26).toHex(), ahead.subarray(42).toHex()]).toEqual([
      "020010",
      "e80700",
    ]);
  });

  test("has keys of the length that its example shows", () => {
    const key = encodeOffsetKey({ group: "billing", topic: "orders", partition: 2 });
    expect(text).toContain(`\n0 ${key.length} 42\n`);
    expect([readU16(key, 0), readU16(key, 2), readI32(key, key.length - 4)]).toEqual([1, 7, 2]);
  });
});

describe("docs/CLIENT.md", () => {
  const client = textOf("docs/CLIENT.md");

  test("names every call of an admin", () => {
    const calls = Object.getOwnPropertyNames(Admin.prototype).filter((it) => it !== "constructor");
    expect(calls.filter((call) => !client.includes(`\`${call}\``))).toEqual([]);
  });

  test("names every event", () => {
    const events = ["client", "producer", "consumer-events"].flatMap((file) => {
      const text = textOf(`src/client/${file}.ts`);
      const members = /export interface \w+Events \{([^}]*)\}/.exec(text)?.[1] ?? "";
      return [...members.matchAll(/readonly (\w+): \[/g)].map(([, name]) => name);
    });
    expect(events.length).toBeGreaterThan(10);
    expect(events.filter((event) => !client.includes(`\`${event}\``))).toEqual([]);
  });
});
