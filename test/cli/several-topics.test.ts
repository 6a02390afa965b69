// `topics create` and `topics delete` with several topics; questions on a terminal; `--quiet`.
import { afterAll, describe, expect, test } from "bun:test";
import { connect } from "../../src/index.js";
import { RUSTLOG, run, startBroker } from "./rustlog.js";

const broker = await startBroker();
const client = await connect({ broker: broker.address });
const admin = client.admin();

afterAll(async () => {
  await client.close();
  await broker[Symbol.asyncDispose]();
});

async function topics(...args: readonly string[]) {
  const { stdout, stderr, exitCode } = await run(["topics", ...args], { broker: broker.address });
  return { stdout, stderr, exitCode };
}

async function names(): Promise<string[]> {
  return (await admin.listTopics()).map(({ name }) => name);
}

/** Runs `topics delete` on a terminal, and answers its question with `keys`. Returns all output. */
async function answer(keys: string, args: readonly string[]): Promise<[number, string]> {
  let text = "";
  let isAnswered = false;
  const child = Bun.spawn([RUSTLOG, "topics", "delete", ...args, "-b", broker.address], {
    terminal: {
      data: (terminal, bytes) => {
        text += new TextDecoder().decode(bytes);
        if (isAnswered || !text.includes("[y/N]")) return;
        isAnswered = true;
        terminal.write(keys);
      },
    },
  });
  return [await child.exited, text];
}

describe("topics create", () => {
  test("creates several, and with --if-not-exists leaves those that exist", async () => {
    const first = await topics("create", "a", "b", "a", "--partitions", "2");
    expect(first).toEqual({
      stdout: "Created topic 'a' with 2 partitions\nCreated topic 'b' with 2 partitions\n",
      stderr: "",
      exitCode: 0,
    });
    const second = await topics("create", "b", "c", "--if-not-exists");
    expect(second).toEqual({
      stdout: "Topic 'b' exists, with 2 partitions\nCreated topic 'c' with 1 partition\n",
      stderr: "",
      exitCode: 0,
    });
    const json = await topics("create", "c", "--if-not-exists", "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({ name: "c", partitions: 1, created: false });
  });

  test("goes on after a topic that fails, and exits with 1", async () => {
    const { stdout, stderr, exitCode } = await topics("create", "no/name", "d", "--json");
    expect(exitCode).toBe(1);
    expect(stderr).toStartWith("rustlog: INVALID_TOPIC: ");
    expect(JSON.parse(stdout)).toEqual([
      { name: "no/name", error: "INVALID_TOPIC" },
      expect.objectContaining({ name: "d", created: true }),
    ]);
  });

  test("stops at the first topic without a broker", async () => {
    const args = ["topics", "create", "x", "y", "-b", "127.0.0.1:9"];
    const { stderr, exitCode } = await run(args);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(exitCode).toBe(1);
  });
});

describe("topics delete", () => {
  test("deletes several without a question if nobody can answer", async () => {
    await topics("create", "e", "f");
    const { stdout, stderr, exitCode } = await topics("delete", "e", "missing", "f");
    expect(stdout).toBe("Deleted topic 'e'\nDeleted topic 'f'\n");
    expect(stderr).toStartWith("rustlog: UNKNOWN_TOPIC_OR_PARTITION: ");
    expect(exitCode).toBe(1);
    const missing = await topics("rm", "e", "--if-exists", "--json");
    expect([missing.exitCode, JSON.parse(missing.stdout)]).toEqual([
      0,
      { name: "e", deleted: false },
    ]);
  });

  test("asks on a terminal, and deletes only after yes", async () => {
    await topics("create", "g", "h");
    for (const keys of ["n\n", "\n", "\u0004"]) {
      const [exitCode, text] = await answer(keys, ["g", "h"]);
      expect(text).toContain(
        `Delete topics 'g', 'h' of ${broker.address} with all their records? [y/N]`,
      );
      expect(text).toContain("nothing was deleted");
      expect(exitCode).toBe(1);
    }
    expect(await names()).toContain("g");
    expect((await answer("y\n", ["g"]))[0]).toBe(0);
    const [exitCode, text] = await answer("", ["h", "--yes"]);
    expect([exitCode, text]).toEqual([0, "Deleted topic 'h'\r\n"]);
    expect(await names()).not.toContain("g");
  });
});

describe("--quiet", () => {
  test("leaves results and errors", async () => {
    expect((await topics("create", "-q", "quiet")).stdout).toBe("");
    expect((await topics("create", "-q", "quiet")).stderr).toContain("TOPIC_ALREADY_EXISTS");
    expect((await topics("list", "--quiet")).stdout).toContain("quiet");
    const { stderr } = await run(["-q", "produce", "quiet", "v"], { broker: broker.address });
    expect(stderr).toBe("");
    expect((await run(["consume", "quiet"], { broker: broker.address })).stdout).toBe("v\n");
  });
});
