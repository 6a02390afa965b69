// Names and messages chosen by others, in every command: none of their characters may control a terminal.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { printable, printableJson } from "../../src/printable.js";
import { HOSTILE, HostileBroker } from "../support/hostile-broker.js";
import { tempDir } from "../support/tmp.js";
import { type RunOptions, run, runOnTerminal, startBroker } from "./rustlog.js";
import { runHere } from "./run-here.js";

/** Everything except the newlines between lines. */
const STEERING = /[^\P{Cc}\n]|[\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** The start of an escaped name: its newline did not start a line. */
const SAFE = "evil\\nfake 99";

let listing: HostileBroker;
let refusing: HostileBroker;
let directory: ReturnType<typeof tempDir>;
beforeAll(() => {
  listing = new HostileBroker();
  refusing = new HostileBroker(true);
  directory = tempDir();
});
afterAll(() => {
  listing[Symbol.dispose]();
  refusing[Symbol.dispose]();
  directory[Symbol.dispose]();
});

/** Command lines, each with its test name. */
function titled(rows: readonly string[][][]): readonly (readonly [string, readonly string[]])[] {
  return rows.map(([args = []]) => [printableJson(args), args]);
}

/** Runs a command, checks each character of its output, and returns it. */
async function said(args: readonly string[], options: RunOptions = {}): Promise<string> {
  return checked(args, await run(args, options));
}

/** The output of a run, each character of which is checked. */
function checked(
  args: readonly string[],
  { stdout, stderr }: { readonly stdout: string; readonly stderr: string },
): string {
  const text = stdout + stderr;
  expect([args, STEERING.exec(text)?.[0]]).toEqual([args, undefined]);
  return text;
}

test("printable text escapes control characters and keeps all others", () => {
  expect(printable("Grüße, 日本 🙂 'x'\\n")).toBe("Grüße, 日本 🙂 'x'\\n");
  expect(printable(HOSTILE)).toBe(
    "evil\\nfake 99\\r\\x1b[31mred\\x07\\u202etxt.exe\\x9b2J\\x7f\\u2028\\u{e0041}end",
  );
  expect(printable("\ud83d")).toBe("\\ud83d");
});

test("printable JSON escapes control characters and parses to the same value", () => {
  for (const indent of [0, 2]) {
    const json = printableJson({ name: HOSTILE, half: "\ud83d" }, indent);
    expect(STEERING.exec(json)?.[0]).toBeUndefined();
    expect(JSON.parse(json)).toEqual({ name: HOSTILE, half: "\ud83d" });
  }
});

describe("the lists of a broker", () => {
  test.each(
    titled([
      [["topics", "list"]],
      [["topics", "describe", "t"]],
      [["groups", "list"]],
      [["groups", "describe", "g"]],
    ]),
  )("%s", async (_, args) => {
    const broker = listing.address;
    expect(await said(args, { broker })).toContain(SAFE);
    const json = await said([...args, "--json"], { broker });
    expect(JSON.stringify(JSON.parse(json))).toContain(JSON.stringify(HOSTILE).slice(1, -1));
  });

  test("on a terminal, where colours and progress are our own", async () => {
    const text = await runOnTerminal(["groups", "list"], { broker: listing.address });
    expect(STEERING.exec(text.replaceAll("\r\n", "\n"))?.[0]).toBeUndefined();
    expect(text).toContain(SAFE);
  });

  test.each(
    titled([
      [["topics", "create", HOSTILE]],
      [["topics", "alter", HOSTILE, "--partitions", "2"]],
      [["topics", "trim", HOSTILE, "--before", "latest"]],
      [["topics", "delete", HOSTILE]],
      [["groups", "delete", HOSTILE]],
      [["groups", "seek", HOSTILE, HOSTILE, "--to", "0"]],
      [["produce", HOSTILE, "v"]],
      [["consume", HOSTILE, "-g", HOSTILE]],
    ]),
  )("%s, given such a name", async (_, args) => {
    expect(await said(args, { broker: listing.address })).toContain(SAFE);
  });
});

describe("the errors of a broker", () => {
  test.each(
    titled([
      [["topics", "list"]],
      [["topics", "create", "t"]],
      [["topics", "describe", "t"]],
      [["topics", "delete", "t"]],
      [["topics", "alter", "t", "--partitions", "2"]],
      [["topics", "trim", "t", "--before", "latest"]],
      [["groups", "list"]],
      [["groups", "describe", "g"]],
      [["groups", "seek", "g", "t", "--to", "0"]],
      [["groups", "delete", "g"]],
      [["produce", "t", "v"]],
      [["consume", "t"]],
      [["consume", "t", "--json", "-g", "g"]],
      [["bench", "produce", "t", "-n", "1"]],
      [["bench", "consume", "t", "-n", "1"]],
      [["explain", "produce", "t", "v"]],
    ]),
  )("%s", async (_, args) => {
    expect(await said(args, { broker: refusing.address })).toContain(SAFE);
  });

  test("with a stack trace", async () => {
    const options = { broker: refusing.address, env: { RUSTLOG_DEBUG: "1" } };
    expect(await said(["topics", "list"], options)).toContain("\n");
  });
});

describe("usage errors", () => {
  test.each(
    titled([
      [[HOSTILE]],
      [["topics", HOSTILE]],
      [["consume", "t", `--${HOSTILE}`]],
      [["consume", "t", "-o", HOSTILE]],
      [["consume", "t", "-f", `%${HOSTILE}`]],
      [["broker", "--port", HOSTILE]],
      [["topics", "list", "--broker", HOSTILE]],
    ]),
  )("%s", async (_, args) => {
    expect(checked(args, await runHere(args))).toContain("\\n");
  });

  test("a file", async () => {
    expect(await said(["inspect", HOSTILE])).toContain("\\n");
  });

  test("in a variable keep the suggestion on its own line", async () => {
    const { stderr } = await runHere(["produse"]);
    expect(stderr).toContain("'produse'\n(Did you mean produce?)\n");
    expect(await said(["broker"], { env: { RUSTLOG_PORT: HOSTILE } })).toContain(SAFE);
  });
});

describe("a directory with such names", () => {
  test("broker, verify, inspect and explain", async () => {
    const dataDir = join(directory.path, HOSTILE);
    const partition = join(dataDir, "topics", "t", "0");
    {
      await using broker = await startBroker({ dataDir });
      await run(["produce", "t", "v", "-k", HOSTILE, "-H", `${HOSTILE}=${HOSTILE}`], {
        broker: broker.address,
      });
      await run(["consume", "t", "-g", HOSTILE], { broker: broker.address });
      const lines = (await said(["groups", "list"], { broker: broker.address })).split("\n");
      expect(lines).toHaveLength(3);
      expect(await said(["groups", "describe", HOSTILE], { broker: broker.address })).toContain(
        "t",
      );
    }
    mkdirSync(join(dataDir, "topics", HOSTILE));
    writeFileSync(join(partition, HOSTILE), "not ours");
    writeFileSync(join(partition, `${HOSTILE}.log`), "not a log");
    const log = join(partition, "00000000000000000000.log");
    for (const args of [
      ["verify", dataDir],
      ["verify", dataDir, "--json"],
      ["inspect", join(partition, `${HOSTILE}.log`)],
      ["inspect", join(partition, `missing ${HOSTILE}.log`)],
      ["explain", "t", "0", "0", "-d", dataDir],
      ["explain", HOSTILE, "0", "0", "-d", dataDir],
      ["broker", "--port", "0", "--data-dir", dataDir, "--metrics-port", "1", "--http-host", "::x"],
    ]) {
      await said(args);
    }
    for (const option of ["--records", "--hex", "--json"]) {
      await said(["inspect", log, option, "--records"]);
    }
  }, 30_000);
});
