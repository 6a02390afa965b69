// Completion: what the last word of a line may become, and the scripts in real shells, if there are.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../src/index.js";
import { splitLine } from "../../src/cli/complete.js";
import { tempDir } from "../support/tmp.js";
import { RUSTLOG, run, startBroker } from "./rustlog.js";

const broker = await startBroker();
const directory = tempDir();
const client = await connect({ broker: broker.address });
await client.admin().createTopic("orders");
await client.admin().createTopic("invoices");
await client.producer().send("orders", { value: "v" });
await client.admin().commitOffsets("my group", [{ topic: "orders", partition: 0, offset: 1 }]);
await client.close();
mkdirSync(join(directory.path, "bin"));
symlinkSync(RUSTLOG, join(directory.path, "bin/rustlog"));
writeFileSync(join(directory.path, "my-input.txt"), "");

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
});

/** The values for the last of these words. The first line of the answer is its kind. */
async function answer(...words: readonly string[]): Promise<string[]> {
  const { stdout, stderr, exitCode } = await run(["__complete", "fish", ...words], {
    broker: broker.address,
  });
  expect([stderr, exitCode]).toEqual(["", 0]);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t")[0] ?? "");
}

describe("the last word may become", () => {
  test.each([
    ["a command", ["pro"], ["values", "produce", "profile"]],
    ["a subcommand, after an alias too", ["topic", "de"], ["values", "describe", "delete"]],
    ["a flag", ["consume", "--fo"], ["values", "--follow", "--format"]],
    ["a topic of the broker", ["topics", "describe", ""], ["values", "invoices", "orders"]],
    ["another topic", ["topics", "rm", "orders", ""], ["values", "invoices"]],
    ["a topic after rpk's names", ["topic", "consume", "o"], ["values", "orders"]],
    ["a group of the broker", ["consume", "orders", "-g", ""], ["values", "my group"]],
    ["a group as an argument", ["group", "seek", "m"], ["values", "my group"]],
    ["a topic after a group", ["groups", "seek", "my group", "o"], ["values", "orders"]],
    ["one of the choices", ["produce", "t", "-z", "z"], ["values", "zstd"]],
    ["one after =", ["produce", "--compression=l"], ["values", "--compression=lz4"]],
    [
      "a setting",
      ["topics", "create", "t", "-q", "--config", "segment.m"],
      ["nospace", "segment.ms="],
    ],
    ["a file", ["broker", "--config", ""], ["files"]],
    ["a directory", ["broker", "--data-dir", ""], ["directories"]],
    ["no name of a topic to be created", ["topics", "create", "o"], ["values"]],
    ["no flag after --", ["produce", "orders", "--", "-"], ["values"]],
    ["a shell", ["completion", "z"], ["values", "zsh"]],
    ["nothing after an unknown command", ["frobnicate", ""], ["values"]],
  ] as const)("%s", async (_, words, expected) => {
    expect(await answer(...words)).toEqual([...expected]);
  });

  test("nothing, without an error, if the broker does not answer", async () => {
    expect(await answer("topics", "describe", "-b", "127.0.0.1:9", "")).toEqual(["values"]);
    expect(await answer("topics", "describe", "-b", "a:b:c", "")).toEqual(["values"]);
  });

  test("a profile", async () => {
    const env = { XDG_CONFIG_HOME: directory.path };
    mkdirSync(join(directory.path, "rustlog"));
    const profiles = `[profiles.here]\nbroker = "${broker.address}"\n`;
    writeFileSync(join(directory.path, "rustlog/config.toml"), profiles);
    const named = await run(["__complete", "fish", "ping", "--profile", ""], { env });
    expect(named.stdout).toBe("values\nhere\n");
    const used = await run(["__complete", "fish", "consume", "--profile", "here", "o"], { env });
    expect(used.stdout).toBe("values\norders\n");
  });
});

test("a line is split as a shell splits it", () => {
  expect(splitLine("rustlog  a 'b c' \"d\\\"e\" f\\ g ''")).toEqual([
    ...["rustlog", "a", "b c", 'd"e', "f g", ""],
  ]);
  expect(splitLine("rustlog ")).toEqual(["rustlog", ""]);
});

/** Types a line in an interactive shell that completes rustlog, and returns once `isEnough` accepts what it shows. */
async function typeInto(
  shell: readonly string[],
  setup: string,
  line: string,
  isEnough: (shown: string) => boolean,
): Promise<string> {
  let shown = "";
  const decoder = new TextDecoder();
  const isTyped = Promise.withResolvers<void>();
  const isShown = Promise.withResolvers<void>();
  const child = Bun.spawn([...shell], {
    cwd: directory.path,
    env: {
      ...{ PATH: `${join(directory.path, "bin")}:${process.env.PATH}`, TERM: "dumb" },
      ...{ RUSTLOG_BROKER: broker.address, HOME: directory.path, LC_ALL: "C.UTF-8" },
    },
    terminal: {
      cols: 120,
      rows: 40,
      data: (_terminal, bytes) => {
        shown += decoder.decode(bytes, { stream: true });
        // The shell also echoes the setup, with the sum as it is typed.
        if (shown.includes("ready-2")) isTyped.resolve();
        if (isEnough(shown)) isShown.resolve();
      },
    },
  });
  child.terminal?.write(`${setup}; echo ready-$((1+1))\n`);
  await isTyped.promise;
  shown = "";
  child.terminal?.write(line);
  await isShown.promise;
  child.kill("SIGKILL");
  await child.exited;
  return shown;
}

describe("in bash, a tab completes", () => {
  const bash = ["bash", "--norc", "--noprofile", "-i"];
  const setup = "PS1='$ '; source <(rustlog completion bash)";

  test.each([
    ["a command", "rustlog top\t", "rustlog topics "],
    ["a topic", "rustlog topics describe inv\t", "describe invoices "],
    ["a group with a space", "rustlog groups describe m\t", "describe my\\ group "],
    ["a topic after an address", "BROKER ord\t", "orders "],
    ["a value after =", "rustlog produce orders --compression=zs\t", "--compression=zstd "],
    [
      "a setting, without a space",
      "rustlog topics create x --config=retention.m\t5",
      "retention.ms=5",
    ],
    ["a file", "rustlog produce orders --file my-\t", "--file my-input.txt "],
  ])("%s", async (_, line, expected) => {
    const typed = line.replace("BROKER", `rustlog consume -b ${broker.address}`);
    const shown = await typeInto(bash, setup, typed, (text) => text.includes(expected));
    expect(shown).toContain(expected);
  });
});

test.skipIf(Bun.which("zsh") === null)("in zsh, a tab completes a topic", async () => {
  const setup = "PS1='$ '; autoload -U compinit; compinit -u; source <(rustlog completion zsh)";
  const line = "rustlog topics describe inv\t";
  const shown = await typeInto(["zsh", "-f", "-i"], setup, line, (text) =>
    text.includes("invoices "),
  );
  expect(shown).toContain("invoices ");
});

test.skipIf(Bun.which("fish") === null)("fish completes a topic", async () => {
  const script = "rustlog completion fish | source; complete -C 'rustlog topics describe inv'";
  const child = Bun.spawn(["fish", "--no-config", "-c", script], {
    stdout: "pipe",
    env: {
      PATH: `${join(directory.path, "bin")}:${process.env.PATH}`,
      ...{ RUSTLOG_BROKER: broker.address, HOME: directory.path },
    },
  });
  expect(await new Response(child.stdout).text()).toBe("invoices\n");
  expect(await child.exited).toBe(0);
});
