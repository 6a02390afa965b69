// `rustlog broker --config FILE`: names, types, precedence, and the lines in errors.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brokerCommand } from "../../src/cli/broker.js";
import { applyConfigFile } from "../../src/cli/config-file.js";
import { CliError } from "../../src/cli/exit.js";
import { connect } from "../../src/index.js";
import { tempDir } from "../support/tmp.js";
import { readUntil, run, spawn } from "./rustlog.js";

const directory = tempDir();
let files = 0;

afterAll(() => directory[Symbol.dispose]());

function fileOf(text: string): string {
  const path = join(directory.path, `rustlog-${files++}.toml`);
  writeFileSync(path, text);
  return path;
}

/** The options after parsing `args` and the file, or the error. */
function optionsOf(text: string, args: readonly string[] = []) {
  let error = "";
  const command = brokerCommand().configureOutput({
    writeErr: (line) => {
      error += line;
    },
  });
  command.parseOptions([...args]);
  const path = fileOf(text);
  try {
    applyConfigFile(command, path);
  } catch (failure) {
    if (failure instanceof CliError) error = failure.message;
    else if (error === "") throw failure;
  }
  return { options: command.opts(), error: error.replaceAll(path, "FILE") };
}

describe("a configuration file", () => {
  test("sets options under the names of their flags", () => {
    const { options, error } = optionsOf(`
      host = "0.0.0.0"
      port = 9_192
      flush = "interval:50ms"
      segment-bytes = "1MiB"
      retention-ms = 86400000
      retention-bytes = "none"
      no-auto-create-topics = true
      strict-replication-factor = true
      ui = true
      metrics-port = 0
      http-allowed-host = ["a.example", "b.example"]
    `);
    expect(error).toBe("");
    expect(options).toMatchObject({
      ...{ host: "0.0.0.0", port: 9192, flush: { kind: "interval", ms: 50 } },
      ...{ segmentBytes: 2 ** 20, retentionMs: 86_400_000, retentionBytes: -1 },
      ...{ autoCreateTopics: false, strictReplicationFactor: true, ui: 9093, metricsPort: 0 },
      httpAllowedHost: ["a.example", "b.example"],
    });
  });

  test("sets defaults of topics under the names of their flags, and others as a list", () => {
    const { options, error } = optionsOf(`
      retention-check = "2m"
      message-timestamp-type = "LogAppendTime"
      message-timestamp-after-max-ms = 1000
      topic-config = ["retention.ms=7d", "log.roll.hours=2"]
    `);
    expect(error).toBe("");
    expect(options).toMatchObject({
      retentionCheck: 120_000,
      messageTimestampType: "LogAppendTime",
      messageTimestampAfterMaxMs: "1000",
      topicConfig: [
        ["retention.ms", "604800000"],
        ["log.roll.hours", "2"],
      ],
    });
  });

  test("may turn switches off, and pick a port for the page", () => {
    const off = optionsOf("no-auto-create-topics = false\nui = false").options;
    expect([off.autoCreateTopics, off.ui]).toEqual([true, undefined]);
    expect(optionsOf("ui = 8080\nhttp-allowed-host = 'a'").options).toMatchObject({
      ...{ ui: 8080, httpAllowedHost: ["a"] },
    });
  });

  test("loses to a flag", () => {
    const { options } = optionsOf("port = 1\nhost = '::1'", ["--port", "2"]);
    expect(options).toMatchObject({ port: 2, host: "::1" });
  });

  test.each([
    ["\n# comment\nprot = 1", "FILE:3: unknown setting 'prot'"],
    ["a = [\n 1,\n]\ndata_dir = 'x'", "FILE:1: unknown setting 'a'"],
    ["port = 1\ndata_dir = 'x'", "(Did you mean data-dir?)"],
    ["config = 'other.toml'", "FILE:1: unknown setting 'config'"],
    ["quiet = true", "FILE:1: unknown setting 'quiet'"],
    ["[broker]\nport = 1", "FILE:1: unknown setting 'broker'"],
    ["host='h'\n\nport = 65536", "FILE:3: the value 65536 of 'port' is invalid. Expected a whole"],
    ["port = true", "FILE:1: the value true of 'port' is invalid. Expected a string or a number."],
    ["data-dir = 7", "FILE:1: the value 7 of 'data-dir' is invalid. Expected a string."],
    ["no-auto-create-topics = 'yes'", `the value "yes" of 'no-auto-create-topics' is invalid.`],
    ["port = [1]", "FILE:1: the value of 'port' is invalid."],
    ["flush = 'often'", "Expected always, never or interval:MS"],
    ["segment-ms = 1.5", "Expected a duration"],
    ["offsets = 'disk'", "Allowed choices are durable, memory."],
    ["http-allowed-host = [1, true]", "Expected a string or a number."],
  ])("%j is refused with its line", (text, message) => {
    expect(optionsOf(text).error).toContain(message);
  });

  test.each([
    ["port = 1\nport = 2", "FILE:2: not valid TOML: "],
    ["a = '''\nx\n'''\n\nport 1", "FILE:5: not valid TOML: "],
    ["port = ", "FILE:1: not valid TOML: "],
  ])("%j is not valid TOML, and the line is named", (text, message) => {
    expect(optionsOf(text).error).toContain(message);
  });
});

describe("a broker with a configuration file", () => {
  test("follows flags, then the environment, then the file", async () => {
    const dataDir = join(directory.path, "data");
    mkdirSync(dataDir);
    const config = fileOf(`
      port = 0
      data-dir = "${dataDir}"
      default-partitions = 3
      retention-ms = "1d"
      segment-ms = "1d"
      no-auto-create-topics = true
    `);
    const child = spawn(["broker", "--default-partitions", "2"], {
      env: {
        ...{ RUSTLOG_CONFIG: config, RUSTLOG_RETENTION_MS: "2d" },
        RUSTLOG_NO_AUTO_CREATE_TOPICS: "0",
      },
    });
    try {
      const text = await readUntil(child.stdout, (said) => said.includes("Configuration file"));
      const broker = /started on (\S+)/.exec(text)?.[1];
      await using client = await connect({ broker: broker! });
      await client.producer().send("made", { value: "v" });
      const { partitions, effectiveSettings } = await client.admin().describeTopic("made");
      const settingOf = (name: string) => effectiveSettings.find((it) => it.name === name)?.value;
      expect(partitions).toHaveLength(2);
      expect([settingOf("retention.ms"), settingOf("segment.ms")]).toEqual([
        "172800000",
        "86400000",
      ]);
    } finally {
      child.kill("SIGTERM");
      await child.exited;
    }
  });

  test("does not start if the file is wrong or missing", async () => {
    const wrong = await run(["broker", "--config", fileOf("prot = 1")]);
    expect(wrong.stderr).toContain(":1: unknown setting 'prot'");
    expect(wrong.exitCode).toBe(2);
    const missing = await run(["broker", "--config", join(directory.path, "none.toml")]);
    expect(missing.stderr).toStartWith("rustlog: can't read ");
    expect(missing.exitCode).toBe(1);
  });
});
