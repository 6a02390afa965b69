// `rustlog produce` and `rustlog consume` as processes: every byte comes back, in every form.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../src/client/client.js";
import { FIELD, NO_PRODUCER, stampProducer } from "../../src/record/batch.js";
import { batchOf, Session } from "../support/broker.js";
import { tempDir } from "../support/tmp.js";
import { until } from "../support/until.js";
import { RUSTLOG, type RunOptions, run, shell, startBroker } from "./rustlog.js";

let broker: Awaited<ReturnType<typeof startBroker>>;
let directory: ReturnType<typeof tempDir>;
let to: RunOptions;
beforeAll(async () => {
  broker = await startBroker();
  directory = tempDir();
  to = { broker: broker.address };
});
afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

/** Runs a command that must succeed, and returns its output. */
async function ok(args: readonly string[], stdin: string | Uint8Array = ""): Promise<string> {
  const { stdout, stderr, exitCode } = await run(args, { ...to, stdin });
  expect({ args, exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({
    args,
    exitCode: 0,
    stderr: "",
  });
  return stdout;
}

/** Pseudo-random bytes that are the same in every run. */
function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 12_345;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}

describe("round trips", () => {
  test("lines from a file come back byte for byte: many lengths, empty, UTF-8", async () => {
    const lines: string[] = [];
    for (let i = 0; i < 30_000; i++) {
      lines.push(i % 7 === 0 ? "" : `${i} ${"żółć ".repeat(i % 23)}${"x".repeat(i % 301)}`);
    }
    const text = `${lines.join("\n")}\n`;
    const path = join(directory.path, "lines.txt");
    writeFileSync(path, text);
    const produced = await run(["produce", "lines", "--file", path, "-z", "zstd"], to);
    expect(produced.stderr).toStartWith("Produced 30,000 records to 'lines' (");
    expect(produced.stderr).toEndWith(": partition 0 offsets 0-29999\n");
    expect(produced.stdout).toBe("");
    expect((await ok(["consume", "lines"])) === text).toBe(true);
  });

  test("any bytes from stdin, ended by NUL", async () => {
    const bytes = noise(300_000);
    bytes[bytes.length - 1] = 0;
    const produced = await run(["produce", "bytes", "--null-delimited"], { ...to, stdin: bytes });
    expect(produced.exitCode).toBe(0);
    const consumed = await run(["consume", "bytes", "--null-delimited"], to);
    expect(Buffer.compare(consumed.bytes, bytes)).toBe(0);
  });

  test("a last line without a newline is a record; a trailing newline adds none", async () => {
    await ok(["produce", "ends"], "a\n\nb");
    await ok(["produce", "ends"], "c\n");
    await ok(["produce", "ends"], "");
    expect(await ok(["consume", "ends"])).toBe("a\n\nb\nc\n");
  });

  test("keys are spread over partitions, and each partition keeps its order", async () => {
    await ok(["topics", "create", "keyed", "--partitions", "3"]);
    const lines = Array.from({ length: 600 }, (_, i) => `user-${i % 10}::${i}`);
    await ok(["produce", "keyed", "-K", "::"], lines.join("\n"));
    const printed = (await ok(["consume", "keyed", "-f", "%p %k::%s\\n"])).trimEnd().split("\n");
    expect(printed.map((line) => line.slice(2)).sort()).toEqual([...lines].sort());
    const partitionOf = new Map<string, string>();
    const last = new Map<string, number>();
    for (const line of printed) {
      const [, partition, key, value] = /^(\d) (.*)::(\d+)$/.exec(line)!;
      expect(partitionOf.get(key!) ?? partition!).toBe(partition!);
      partitionOf.set(key!, partition!);
      expect(Number(value)).toBeGreaterThan(last.get(partition!) ?? -1);
      last.set(partition!, Number(value));
    }
    expect(last.size).toBe(3);
  });

  test("--timestamp gives records a time, also JSON without one", async () => {
    const time = ["--timestamp", "2024-02-03T04:05:06Z"];
    await ok(["produce", "timed", ...time, "a"]);
    await ok(
      ["produce", "timed", ...time, "--json"],
      '{"value":"b"}\n{"value":"c","timestamp":7}\n',
    );
    expect(await ok(["consume", "timed", "-f", "%T %s\n"])).toBe(
      "1706933106000 a\n1706933106000 b\n7 c\n",
    );
    const late = ["produce", "timed", "--json"];
    const { stderr, exitCode } = await run(late, {
      ...to,
      stdin: '{"value":"d","timestamp":9e15}',
    });
    expect([
      stderr.includes("the topic's message.timestamp.after.max.ms allows"),
      exitCode,
    ]).toEqual([true, 1]);
  });

  test("JSON carries keys, headers, nulls, timestamps, partitions and any bytes to another topic", async () => {
    await ok(["topics", "create", "from", "--partitions", "2"]);
    await ok(["topics", "create", "copy", "--partitions", "2"]);
    await ok(["produce", "from", "-p", "1", "-k", "k", "-H", "a=1", "-H", "a=é", "plain"]);
    await ok(["produce", "from", "-p", "0", "-Z"], "x\n\n");
    const binary = Buffer.concat([Buffer.from([0xff, 0xfe, 0x0a, 0x3a]), Buffer.from("v\0")]);
    await ok(["produce", "from", "-p", "1", "-K", ":", "--null-delimited"], binary);
    const original = await ok(["consume", "from", "--json"]);
    await ok(["produce", "copy", "--json"], `${original}\n`);
    const copied = await ok(["consume", "copy", "--json"]);
    const renamed = original.replaceAll('"topic":"from"', '"topic":"copy"');
    expect(copied.split("\n").sort()).toEqual(renamed.split("\n").sort());
    const records = original
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(records).toHaveLength(4);
    expect(records).toContainEqual(
      expect.objectContaining({ partition: 0, offset: 1, value: null }),
    );
    expect(records).toContainEqual(
      expect.objectContaining({
        key: Buffer.from([0xff, 0xfe, 0x0a]).toString("base64"),
        keyEncoding: "base64",
        value: "v",
      }),
    );
    expect(records).toContainEqual(
      expect.objectContaining({
        key: "k",
        headers: [
          { name: "a", value: "1" },
          { name: "a", value: "é" },
        ],
      }),
    );
  });
});

describe("consume", () => {
  beforeAll(async () => {
    await ok(["topics", "create", "ten", "--partitions", "2"]);
    await ok(["produce", "ten", "-p", "0", ..."0123456789"]);
    await ok(["produce", "ten", "-p", "1", "a", "b"]);
  });

  test.each([
    [["-p", "0", "-o", "7"], "7 8 9"],
    [["-p", "0", "-o", "-2"], "8 9"],
    [["-p", "0", "-o", "2:5"], "2 3 4"],
    [["-p", "0", "-o", "-4:-2"], "6 7"],
    [["-p", "0", "-o", ":3"], "0 1 2"],
    [["-p", "0", "-o", "latest"], ""],
    [["-p", "0", "-o", "@0:4"], "0 1 2 3"],
    [["-p", "0", "-o", "@-1d"], "0 1 2 3 4 5 6 7 8 9"],
    [["-p", "0", "-o", "@9999-01-01"], ""],
    [["-p", "0", "-o", "earliest:@-1d"], ""],
    [["-p", "0", "-n", "3"], "0 1 2"],
    [["-p", "1"], "a b"],
    // Partition 1 has two records: it ends before these offsets.
    [["-o", "7"], "7 8 9"],
    [["-o", "7:9"], "7 8"],
    [["-o", "10"], ""],
  ])("%j", async (args, expected) => {
    const stdout = await ok(["consume", "ten", ...args]);
    expect(stdout.trimEnd().split("\n").join(" ")).toBe(expected);
  });

  test("all partitions, or a list of them", async () => {
    const sorted = async (...args: string[]) =>
      [...(await ok(["consume", "ten", ...args])).replaceAll("\n", "")].sort().join("");
    expect(await sorted()).toBe("0123456789ab");
    expect(await sorted("-p", "0,1", "-o", "-1")).toBe("9b");
  });

  test("formats work as in kcat; lengths distinguish null from empty", async () => {
    await ok(["produce", "formats", "-k", "key", "-H", "n=v", "-H", "m=", "value"]);
    await ok(["produce", "formats", "-Z", ""]);
    const format = "%t/%p/%o k=%k(%K) s=%s(%S) h=%h 100%%\\t\\x41\\n";
    expect(await ok(["consume", "formats", "-f", format])).toBe(
      "formats/0/0 k=key(3) s=value(5) h=n=v,m= 100%\tA\nformats/0/1 k=(-1) s=(-1) h= 100%\tA\n",
    );
    const stamps = await ok(["consume", "formats", "-f", "%T", "--null-delimited"]);
    expect(stamps).toMatch(/^\d{13}\0\d{13}\0$/);
  });

  test("a closed pipe ends it quietly", async () => {
    await ok(["produce", "long"], `${"line\n".repeat(200_000)}`);
    const script = "rustlog consume long | head -n 1; echo $PIPESTATUS";
    const { stdout, stderr } = await shell(script, to);
    expect(stderr).toBe("");
    expect(stdout).toBe("line\n0\n");
  });

  test.each([
    [["consume", "unknown"], "UNKNOWN_TOPIC_OR_PARTITION"],
    [["consume", "unknown", "-F"], "UNKNOWN_TOPIC_OR_PARTITION"],
    [["consume", "ten", "-p", "7"], "UNKNOWN_TOPIC_OR_PARTITION"],
    [["consume", "ten", "-o", "99"], "OFFSET_OUT_OF_RANGE"],
    [["consume", "ten", "-o", "3", "-p", "1"], "OFFSET_OUT_OF_RANGE"],
    [["consume", "ten", "-g", ""], "INVALID_GROUP"],
    [["produce", "ten", "-p", "7", "v"], "UNKNOWN_TOPIC_OR_PARTITION"],
    [["produce", "a/b", "v"], "INVALID_TOPIC"],
    [["topics", "create", "ten"], "TOPIC_ALREADY_EXISTS"],
    [["topics", "create", ".."], "INVALID_TOPIC"],
    [["topics", "describe", "unknown"], "UNKNOWN_TOPIC_OR_PARTITION"],
    [["topics", "delete", "unknown"], "UNKNOWN_TOPIC_OR_PARTITION"],
    [["groups", "describe", "unknown"], "GROUP_NOT_FOUND"],
    [["groups", "delete", "unknown"], "GROUP_NOT_FOUND"],
    [["groups", "seek", "g", "unknown", "--to", "0"], "UNKNOWN_TOPIC_OR_PARTITION"],
    [["groups", "seek", "g", "ten", "--to", "5"], "OFFSET_OUT_OF_RANGE"],
  ])("%j fails with %s", async (args, code) => {
    const { stdout, stderr, exitCode } = await run(args, to);
    expect(stderr.trimEnd().split("\n").at(-1)).toStartWith(`rustlog: ${code}: `);
    expect(stderr).not.toContain("    at ");
    expect(stdout).toBe("");
    expect(exitCode).toBe(1);
  });
});

test("progress is not drawn over what somebody types in a terminal", async () => {
  let text = "";
  const child = Bun.spawn([RUSTLOG, "produce", "typed", "-b", broker.address], {
    env: { ...process.env, TERM: "xterm" },
    terminal: { cols: 80, rows: 24, data: (_, bytes) => (text += Buffer.from(bytes).toString()) },
  });
  await until(() => text.includes("Ctrl-D ends."));
  child.terminal?.write("hello\n");
  // Progress is drawn every 250 ms, so only waiting can show that nothing is drawn.
  await Bun.sleep(350);
  child.terminal?.write("\u0004");
  expect(await child.exited).toBe(0);
  expect(text).toContain("Produced 1 record to 'typed'");
  expect(text).not.toContain("\u001b[K");
});

describe("keys in lines", () => {
  test("-K accepts the escapes of a format", async () => {
    await ok(["produce", "tabs", "-K", "\\t"], "k\tv\n\tempty key\nk2\t\n");
    await ok(["produce", "tabs", "-K", "\\x01\\\\"], "a\u0001\\b\n");
    expect(await ok(["consume", "tabs", "-f", "%k(%K)=%s\\n"])).toBe(
      "k(1)=v\n(0)=empty key\nk2(2)=\na(1)=b\n",
    );
  });

  test("a line without the separator is an error with its number, unless allowed", async () => {
    const stdin = "a:1\nb:2\nnone\nc:3\n";
    const failed = await run(["produce", "missing", "-K", ":"], { ...to, stdin });
    expect(failed.stderr).toContain("Acknowledged 2 records to 'missing'");
    expect(failed.stderr).toContain('rustlog: line 3 of the input: key separator ":" not found');
    expect(failed.exitCode).toBe(1);
    await ok(["produce", "missing", "-K", ":", "--allow-missing-key"], stdin);
    expect(await ok(["consume", "missing", "-o", "2", "-f", "%K %s\\n"])).toBe(
      "1 1\n1 2\n-1 none\n1 3\n",
    );
  });
});

describe("what consume --json prints", () => {
  test("is accepted by produce --json: the same bytes, whatever they are", async () => {
    const client = await connectTo();
    const settings = { "message.timestamp.after.max.ms": "9223372036854775807" };
    for (const topic of ["weird", "weird2"]) await client.admin().createTopic(topic, { settings });
    const producer = client.producer({ compression: "zstd" });
    const bytes = [
      null,
      "",
      "a",
      "\0",
      "a\r\n",
      "\ufeffmark",
      "\u2028",
      new Uint8Array([0xff, 0xfe, 0]),
    ];
    const names = [
      { name: "" },
      { name: "n" },
      { name: "\ufeff" },
      { name: "", nameBytes: Uint8Array.of(0xff, 0x41) },
    ];
    for (const key of bytes) {
      for (const value of bytes) {
        const headers = bytes.map((data, i) => ({ ...names[i % names.length]!, value: data }));
        const timestamp = [-1, 0, -62_135_596_800_000, 2 ** 53 - 1][bytes.indexOf(value) % 4]!;
        void producer.enqueue("weird", { key, value, headers, timestamp });
      }
    }
    await producer.close();
    const lines = await ok(["consume", "weird", "--json"]);
    // A leading byte order mark, and Windows line endings.
    await ok(["produce", "weird2", "--json"], `\ufeff${lines.replaceAll("\n", "\r\n")}`);
    const [first, second] = await Promise.all([recordsOf("weird"), recordsOf("weird2")]);
    expect(first).toHaveLength(bytes.length ** 2);
    expect(second).toEqual(first);
    const again = await ok(["consume", "weird2", "--json"]);
    expect(again.replaceAll("weird2", "weird")).toBe(lines);
    // A header's name is printed as its bytes.
    const names2 = await run(["consume", "weird", "-f", "%h", "-n", "1"], to);
    expect(Buffer.from(names2.bytes).includes(Buffer.of(0xff, 0x41, 0x3d))).toBe(true);
  });
});

async function connectTo() {
  return await connect({ broker: broker.address });
}

/** All fields of all records except their topic. */
async function recordsOf(topic: string): Promise<unknown[]> {
  await using client = await connectTo();
  const hex = (data: Uint8Array | null | undefined) => data && Buffer.from(data).toString("hex");
  const consumer = client.consumer({ topic, follow: false });
  return await Array.fromAsync(consumer, ({ offset, timestamp, key, value, headers }) => ({
    offset,
    timestamp,
    key: hex(key),
    value: hex(value),
    headers: headers.map((h) => [h.name, hex(h.nameBytes), hex(h.value)]),
  }));
}

describe("a produce that fails", () => {
  test("reports what was acknowledged before a line that is not a record", async () => {
    const stdin = '{"value":"a"}\n{"value":"b"}\n{"value":\n{"value":"d"}\n';
    const { stderr, exitCode } = await run(["produce", "bad", "--json"], { ...to, stdin });
    expect(stderr).toContain("Acknowledged 2 records to 'bad'");
    expect(stderr).toContain("rustlog: line 3 of the input: the line is not JSON");
    expect(exitCode).toBe(1);
    expect(await ok(["consume", "bad"])).toBe("a\nb\n");
  });

  test("reports what was acknowledged before a record that is too large", async () => {
    await using small = await startBroker({ maxBatchBytes: 4096 });
    const stdin = `a\nb\n${"x".repeat(5000)}\n`;
    const { stderr, exitCode } = await run(["produce", "t"], { broker: small.address, stdin });
    expect(stderr).toContain("Acknowledged 2 records to 't'");
    expect(stderr).toContain("rustlog: line 3 of the input is longer than 4096 bytes");
    expect(exitCode).toBe(1);
  });

  test("because of its topic or partition reports that in one line", async () => {
    await ok(["topics", "create", "narrow", "--partitions", "1"]);
    for (const args of [
      ["produce", "narrow", "-p", "5", "v"],
      ["produce", "../x", "v", "w"],
    ]) {
      const { stderr, exitCode } = await run(args, to);
      expect(stderr).toStartWith("rustlog: ");
      expect([stderr.trimEnd().split("\n").length, exitCode]).toEqual([1, 1]);
    }
  });

  test("names the line of a record that is too large once encoded", async () => {
    await using small = await startBroker({ maxBatchBytes: 4096 });
    const stdin = `a\n${"x".repeat(4050)}\nb\n`;
    const { stderr, exitCode } = await run(["produce", "t"], { broker: small.address, stdin });
    expect(stderr).toContain("Acknowledged 1 record to 't'");
    expect(stderr).toContain("rustlog: MESSAGE_TOO_LARGE: line 2 of the input: a record of about");
    expect(exitCode).toBe(1);
  });

  test("accepts a JSON line longer than a batch if its record is not", async () => {
    await using small = await startBroker({ maxBatchBytes: 4096 });
    const to = { broker: small.address };
    const line = `{"value":"${"\\u0061".repeat(3_900)}"}\n`;
    const short = await run(["produce", "t", "--json"], { ...to, stdin: line });
    expect(short).toMatchObject({ exitCode: 0 });
    expect((await run(["consume", "t"], to)).stdout).toBe(`${"a".repeat(3_900)}\n`);
    const long = `{"value":"${"\\u0061".repeat(4_100)}"}\n`;
    const refused = await run(["produce", "t", "--json"], { ...to, stdin: long });
    expect(refused.stderr).toContain("MESSAGE_TOO_LARGE");
    expect(refused.exitCode).toBe(1);
  });

  test("names the file that it can't open", async () => {
    const { stderr, exitCode } = await run(["produce", "t", "--file", "/nowhere/at/all"], to);
    // No record was sent, so there is no summary.
    expect(stderr).toStartWith("rustlog: cannot open /nowhere/at/all: ");
    expect(exitCode).toBe(1);
  });
});

describe("a consume that meets damage", () => {
  test("prints and commits what precedes it and names --skip-damaged, which continues", async () => {
    await produceDamaged("damaged", 0);
    const failed = await run(["consume", "damaged", "-g", "damaged"], to);
    expect(failed).toMatchObject({ stdout: "a\nb\n", exitCode: 1 });
    expect(failed.stderr).toStartWith(
      "rustlog: CORRUPT_MESSAGE: topic 'damaged', partition 0: the batch at offset 2 can't be read; the records after it begin at offset 5: no snappy data",
    );
    expect(failed.stderr).toContain("--skip-damaged");
    const committed = JSON.parse(await ok(["groups", "describe", "damaged", "--json"]));
    expect(committed.partitions[0].committedOffset).toBe(2);

    const skipped = await run(["consume", "damaged", "-g", "damaged", "--skip-damaged"], to);
    expect(skipped).toMatchObject({ stdout: "f\n", exitCode: 0 });
    expect(skipped.stderr).toStartWith("rustlog: skipped: topic 'damaged', partition 0: ");
    expect(skipped.stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  test("reads the other partitions to their ends and reports all damage", async () => {
    await ok(["topics", "create", "damaged3", "--partitions", "3"]);
    for (const partition of [0, 1]) await produceDamaged("damaged3", partition);
    await ok(["produce", "damaged3", "-p", "2", "x", "y", "z"]);
    const { stdout, stderr, exitCode } = await run(["consume", "damaged3"], to);
    expect(stdout.trimEnd().split("\n").sort()).toEqual(["a", "a", "b", "b", "x", "y", "z"]);
    const lines = stderr.trimEnd().split("\n").sort();
    for (const partition of [0, 1]) {
      expect(lines[partition]).toStartWith(
        `rustlog: CORRUPT_MESSAGE: topic 'damaged3', partition ${partition}: the batch at`,
      );
    }
    expect([lines.length, exitCode]).toEqual([2, 1]);
  });
});

/** Produces three batches of 2, 3 and 1 records; the second claims to be snappy, with a correct CRC. */
async function produceDamaged(topic: string, partition: number): Promise<void> {
  using client = await Session.connect(Number(broker.address.split(":")[1]));
  for (const values of [["a", "b"], ["c", "d", "e"], ["f"]]) {
    const batch = batchOf(...values);
    if (values[0] === "c") {
      batch[FIELD.attributes + 1] = 2;
      stampProducer(batch, NO_PRODUCER);
    }
    await client.produce(topic, partition, batch);
  }
}
