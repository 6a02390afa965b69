// The command line itself: help, version, usage errors and exit codes, without a broker.
import { describe, expect, test } from "bun:test";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { InvalidArgumentError } from "@commander-js/extra-typings";
import { compileFormat } from "../../src/cli/format.js";
import packageJson from "../../package.json";
import { run } from "./rustlog.js";
import { runHere } from "./run-here.js";

// Nothing listens on the discard port of this machine.
const NOBODY = "127.0.0.1:9";

test.each([
  ["help", ["topics", "create", "--help"]],
  ["an unknown command", ["topic", "lsit"]],
  ["a wrong argument", ["consume", "t", "-o", "x"]],
  ["arguments that exclude each other", ["consume", "t", "-g", "g", "--balance", "-p", "1"]],
] as const)("%s: a process prints what runHere returns", async (_, args) => {
  const { bytes: _bytes, ...process } = await run(args);
  expect(await runHere(args)).toEqual(process);
});

describe("help and version", () => {
  test("--version prints the version in package.json", async () => {
    const { stdout, exitCode } = await run(["--version"]);
    expect(stdout).toBe(`${packageJson.version}\n`);
    expect(exitCode).toBe(0);
  });

  test.each([
    [[]],
    [["broker"]],
    [["produce"]],
    [["consume"]],
    [["topics"]],
    [["topics", "create"]],
    [["topics", "alter"]],
    [["topics", "trim"]],
    [["groups"]],
    [["groups", "seek"]],
    [["groups", "delete-offsets"]],
    [["ping"]],
    [["profile"]],
    [["completion"]],
    [["man"]],
    [["profile", "create"]],
    [["verify"]],
    [["inspect"]],
    [["explain"]],
    [["explain", "lookup"]],
    [["explain", "produce"]],
    [["bench"]],
    [["bench", "produce"]],
    [["bench", "consume"]],
  ])("%j --help has an example and exits with 0", async (command) => {
    const { stdout, stderr, exitCode } = await runHere([...command, "--help"]);
    expect(stderr).toBe("");
    expect(stdout).toStartWith(`Usage: rustlog${command.map((name) => ` ${name}`).join("")} `);
    expect(stdout).toContain(`\nExamples:\n  `);
    expect(exitCode).toBe(0);
  });

  test("every flag of the broker names its environment variable", async () => {
    const { stdout } = await runHere(["broker", "--help"]);
    const text = stdout.replace(/\s+/g, " ");
    const flags = [...text.matchAll(/ --([a-z-]+)/g)].map((match) => match[1]!);
    expect(flags).toContain("data-dir");
    for (const name of new Set(flags)) {
      if (["help", "quiet", "no-color"].includes(name)) continue;
      if (["port", "default-partitions", "retention-ms"].includes(name)) continue;
      expect(text).toContain(`env: RUSTLOG_${name.toUpperCase().replaceAll("-", "_")}`);
    }
  });
});

describe("usage errors exit with 2, one line that says why, and the usage of the command", () => {
  const cases: readonly (readonly [readonly string[], string, string])[] = [
    [["produse"], "unknown command 'produse'", "Usage: rustlog [options] [command]"],
    [
      ["consume"],
      "missing required argument 'topic'",
      "Usage: rustlog consume [options] [topic...]",
    ],
    [["consume", "t", "-o", "x"], "Expected an offset", "Usage: rustlog consume"],
    [["consume", "t", "-f", "%q"], "'%q' is not a placeholder", "Usage: rustlog consume"],
    [["consume", "t", "-f", "%s", "--json"], "can't be combined", "Usage: rustlog consume"],
    [["consume", "t", "--no-commit"], "requires --group", "Usage: rustlog consume"],
    [["consume", "t", "--balance"], "--balance requires --group", "Usage: rustlog consume"],
    [["consume", "t", "--session-timeout", "6s"], "requires --balance", "Usage: rustlog consume"],
    [
      ["consume", "t", "-g", "g", "--balance", "-p", "1"],
      "--balance and --partition can't be combined",
      "Usage: rustlog consume",
    ],
    [["consume", "t", "--instance-id", "a"], "requires --balance", "Usage: rustlog consume"],
    [["consume", "t", "--grep", "["], "Invalid regular expression", "Usage: rustlog consume"],
    [["consume", "t", "--grep-key", "(?i)*"], "Invalid regular", "Usage: rustlog consume"],
    [["consume", "t", "--where-header", "a"], "Expected NAME=VALUE", "Usage: rustlog consume"],
    [
      ["consume", "t", "--on-out-of-range", "skip"],
      "Allowed choices are fail, earliest, latest",
      "Usage: rustlog consume",
    ],
    [
      ["consume", "t", "-g", "g", "--balance", "-o", "7"],
      "--offset is earliest, latest or @TIME, without an end",
      "Usage: rustlog consume",
    ],
    [["consume", "--topic-regex", "("], "Invalid regular expression", "Usage: rustlog consume"],
    [["consume", "--session-timeout", "1s"], "from 6s to 30m", "Usage: rustlog consume"],
    [["consume", "t", "-b", "a:b:c"], "Expected HOST:PORT", "Usage: rustlog consume"],
    [["produce", "t", "-k", "k", "-K", ":"], "can't be combined", "Usage: rustlog produce"],
    [["produce", "t", "-z", "brotli"], "Allowed choices are", "Usage: rustlog produce"],
    [["produce", "t", "v", "--file", "f"], "not both", "Usage: rustlog produce"],
    [
      ["produce", "t", "v", "--null-delimited"],
      "not to values in arguments",
      "Usage: rustlog produce",
    ],
    [["produce", "t", "--linger", "2d"], "at most one day", "Usage: rustlog produce"],
    [["broker", "--port", "65536"], "from 0 to 65535", "Usage: rustlog broker"],
    [["broker", "--metrics-port", "http"], "from 0 to 65535", "Usage: rustlog broker"],
    [["broker", "--metrics-port", "65536"], "from 0 to 65535", "Usage: rustlog broker"],
    [["broker", "--flush", "often"], "always, never or interval:MS", "Usage: rustlog broker"],
    [["topics", "create", "t", "--partitions", "0"], "from 1 to 10000", "rustlog topics create"],
    [["topics", "alter", "t"], "--config, --delete-config or --partitions", "rustlog topics alter"],
    [["topics", "alter", "t", "--config", "x"], "Expected NAME=VALUE", "rustlog topics alter"],
    [["topics", "alter", "t", "--partitions", "0"], "from 1 to 10000", "rustlog topics alter"],
    [["topics", "trim", "t"], "'--before <offset>' not specified", "rustlog topics trim"],
    [["topics", "trim", "t", "--before", "x"], "Expected an offset", "rustlog topics trim"],
    [["groups", "seek", "g", "t"], "--to or --by-duration is missing", "rustlog groups seek"],
    [["groups", "seek", "g", "--to", "1"], "or use --all-topics", "rustlog groups seek"],
    [["groups", "seek", "g", "t", "--all-topics", "--to", "1"], "not both", "rustlog groups seek"],
    [["groups", "seek", "g", "t", "u", "-p", "1", "--to", "1"], "a single topic", "groups seek"],
    [["groups", "delete-offsets", "g", "t:x"], "one or more partitions", "delete-offsets"],
    [["ping", "-n", "0"], "1 or more", "Usage: rustlog ping"],
    [["ping", "--timeout", "0"], "from 1ms to one day", "Usage: rustlog ping"],
    [["completion", "csh"], "Allowed choices are bash, zsh, fish", "Usage: rustlog completion"],
    [["profile", "use"], "either a name or --none", "Usage: rustlog profile use"],
    [["profile", "create", "a.b", "-b", "h"], "letters, digits", "Usage: rustlog profile create"],
    [["profile", "create", "a"], "--broker is missing", "Usage: rustlog profile create"],
    [["verify", "a", "b"], "too many arguments", "Usage: rustlog verify"],
    [["inspect", "f.log", "--limit", "0"], "1 or more", "Usage: rustlog inspect"],
    [["explain", "produce", "t"], "missing required argument 'value'", "rustlog explain produce"],
    [["bench", "produce", "t", "--rate", "0"], "1 or more", "Usage: rustlog bench produce"],
    [["bench", "produce", "t", "-s", "big"], "Expected a size", "rustlog bench produce"],
    [["bench", "consume", "t", "-c", "0"], "from 1 to 1000", "Usage: rustlog bench consume"],
    [["consume", "t", "-o", "5:3"], "The range is empty", "Usage: rustlog consume"],
    [["consume", "t", "-o", "@10:00"], "a time needs a date", "Usage: rustlog consume"],
    [["produce", "t", "-K", "\\q"], "'\\q' is not an escape", "Usage: rustlog produce"],
    [["produce", "t", "-K", ""], "the key separator is empty", "Usage: rustlog produce"],
    [["produce", "t", "--allow-missing-key"], "requires -K", "Usage: rustlog produce"],
    [["groups", "reset", "g"], "(Did you mean seek?)", "Usage: rustlog groups"],
    [["topics", "lsit"], "(Did you mean list?)", "Usage: rustlog topics"],
    [["topics", "frobnicate"], "unknown command 'frobnicate'", "Usage: rustlog topics"],
  ];

  test.each(cases)("%j", async (args, why, usage) => {
    const { stdout, stderr, exitCode } = await runHere(args);
    expect(stderr).toContain(why);
    expect(stderr).toContain(usage);
    expect(stdout).toBe("");
    expect(exitCode).toBe(2);
  });

  test.each([
    [["topics", "delet"]],
    [["topics", "dlete"]],
    [["topics", "rmm"]],
    [["topics", "trm"]],
    [["groups", "deelte"]],
    [["groups", "drop"]],
    [["groups", "dlete-offsets"]],
  ])("%j does not suggest a deletion", async (args) => {
    const { stderr, exitCode } = await runHere([...args, "x"]);
    expect(stderr).not.toContain("Did you mean");
    expect(stderr).not.toContain("delete");
    expect(exitCode).toBe(2);
  });

  test("a wrong environment variable is named as such", async () => {
    const wrongPort = await run(["broker"], { env: { RUSTLOG_PORT: "x" } });
    expect(wrongPort.stderr).toContain("RUSTLOG_PORT");
    expect(wrongPort.exitCode).toBe(2);
    const wrongSwitch = await run(["broker"], { env: { RUSTLOG_NO_AUTO_CREATE_TOPICS: "maybe" } });
    expect(wrongSwitch.stderr).toContain("RUSTLOG_NO_AUTO_CREATE_TOPICS is 'maybe'");
    expect(wrongSwitch.exitCode).toBe(2);
  });

  test("limits that contradict each other name their flags", async () => {
    const { stderr, exitCode } = await runHere(["broker", "--max-batch-bytes", "20MiB"]);
    expect(stderr).toContain("--max-batch-bytes");
    expect(stderr).toContain("--max-frame-bytes");
    expect(exitCode).toBe(2);
  });
});

describe("failures exit with 1 and say why, without a stack trace", () => {
  test("there is no broker", async () => {
    const { stdout, stderr, exitCode } = await run(["topics", "list", "-b", NOBODY]);
    expect(stderr).toStartWith("rustlog: CONNECTION_LOST: ");
    expect(stderr).toContain(NOBODY);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(stdout).toBe("");
    expect(exitCode).toBe(1);
  });

  test("an HTTP server at the address is named, and contacted only once", async () => {
    let requests = 0;
    const server = createServer((_, response) => {
      requests++;
      response.end("hello");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const { stderr, exitCode } = await run(["topics", "list", "-b", `127.0.0.1:${port}`]);
    server.close();
    expect(stderr).toStartWith(
      `rustlog: INVALID_CONFIG: 127.0.0.1:${port} is an HTTP server, not a RustLog broker.`,
    );
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect([exitCode, requests]).toEqual([1, 0]);
  });

  test("RUSTLOG_DEBUG shows the stack trace", async () => {
    const env = { RUSTLOG_DEBUG: "1" };
    const { stderr, exitCode } = await run(["topics", "list", "-b", NOBODY], { env });
    expect(stderr).toContain("CONNECTION_LOST");
    expect(stderr).toContain("at ");
    expect(stderr.split("\n").length).toBeGreaterThan(4);
    expect(exitCode).toBe(1);
  });
});

describe("formats", () => {
  test("text, escapes and placeholders are distinguished", () => {
    const parts = compileFormat("a\\t\\x00%%é\\\\%s%k");
    expect(parts).toHaveLength(3);
    expect(parts[0]).toEqual(new TextEncoder().encode("a\t\0%é\\"));
    expect(compileFormat("")).toEqual([]);
  });

  test.each(["%", "%q", "\\", "\\q", "\\x", "\\x1", "%constructor"])("%j is refused", (format) => {
    const attempt = () => compileFormat(format);
    expect(attempt).toThrow(InvalidArgumentError);
  });
});
