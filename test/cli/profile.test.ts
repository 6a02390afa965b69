// Profiles of brokers: the file, which address wins, and the commands that change them.
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectionOptions } from "../../src/cli/connection.js";
import { CliError } from "../../src/cli/exit.js";
import { withCurrent, withoutProfile, withProfile } from "../../src/cli/profile-edit.js";
import { profilesOf } from "../../src/cli/profile-file.js";
import { TomlFile } from "../../src/cli/toml-file.js";
import { tempDir } from "../support/tmp.js";
import { run } from "./rustlog.js";

/** A directory for configuration, which holds this file of profiles if there is a text. */
function configHome(text?: string) {
  const directory = tempDir();
  const file = join(directory.path, "rustlog", "config.toml");
  if (text !== undefined) {
    mkdirSync(join(directory.path, "rustlog"));
    writeFileSync(file, text);
  }
  return {
    file,
    env: { XDG_CONFIG_HOME: directory.path },
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

const TWO = `# ours
profile = "laptop" # at home

[profiles.other]
# behind the balancer
broker = "127.0.0.1:4"

[profiles.laptop]
broker = "127.0.0.1:5"
`;

function fileOf(text: string): TomlFile {
  return new TomlFile("FILE", text);
}

describe("the broker of a command", () => {
  test("is the first of flag, named profile, variable, variable's profile, current, default", async () => {
    using home = configHome(TWO);
    const both = { RUSTLOG_BROKER: "127.0.0.1:3", RUSTLOG_PROFILE: "other" };
    const cases: readonly (readonly [
      readonly string[],
      Readonly<Record<string, string>>,
      string,
    ])[] = [
      [["-b", "127.0.0.1:2", "--profile", "other"], both, "127.0.0.1:2"],
      [["--profile", "other"], { RUSTLOG_BROKER: "127.0.0.1:3" }, "127.0.0.1:4"],
      [[], both, "127.0.0.1:3"],
      [[], { RUSTLOG_PROFILE: "other" }, "127.0.0.1:4"],
      [[], {}, "127.0.0.1:5"],
    ];
    for (const [args, env, broker] of cases) {
      const { stderr } = await run(["ping", ...args], { env: { ...home.env, ...env } });
      expect(stderr).toMatch(new RegExp(`CONNECTION_LOST: .*${broker}\\b`));
    }
  });

  test("is not asked of a broken file if it is named otherwise", async () => {
    using home = configHome("broken");
    const { env, file } = home;
    const named = await run(["ping", "-b", "127.0.0.1:2"], { env });
    expect(named.stderr).toContain("CONNECTION_LOST");
    for (const args of [[], ["-b", "127.0.0.1:2", "--profile", "other"]]) {
      const { stderr, exitCode } = await run(["ping", ...args], { env });
      expect(stderr).toStartWith(`rustlog: ${file}:1: not valid TOML`);
      expect(exitCode).toBe(1);
    }
  });
});

describe("the file", () => {
  test.each([
    ["profile = 'x'", "FILE:1: there is no profile 'x'"],
    ["profile = 1", "FILE:1: 'profile' is not a string"],
    ["\nprofiles = 1", "FILE:2: 'profiles' is not a table"],
    ["[profiles]\na = 1", "FILE:2: 'a' is not a table"],
    ["[profiles.a]\n\nbrocker = 'x'", "FILE:3: unknown setting 'brocker' of profile 'a'"],
    ["[profiles.a]\npassword = 'x'", "FILE:2: unknown setting 'password' of profile 'a'"],
    ["[profiles.a]\nbroker = 'a:b:c'", "FILE:2: 'broker' of profile 'a' is invalid. Expected HOST"],
    ["[profiles.a]\nbroker = true", "'broker' of profile 'a' is invalid. Expected a string"],
    ["[other]", "FILE:1: unknown setting 'other'"],
  ])("%j is refused with its line", (text, message) => {
    expect(() => profilesOf(fileOf(text), connectionOptions())).toThrow(message);
  });

  test("keeps comments and order when it is changed", () => {
    expect(withCurrent(fileOf(TWO), "other")).toBe(
      TWO.replace('profile = "laptop" # at home', 'profile = "other"'),
    );
    expect(withCurrent(fileOf("[profiles.a]\n"), "a")).toBe('profile = "a"\n\n[profiles.a]\n');
    expect(withProfile(fileOf(TWO), "ci", { broker: "ci:1" })).toBe(
      `${TWO}\n[profiles.ci]\nbroker = "ci:1"\n`,
    );
    expect(withoutProfile(fileOf(TWO), "other")).toBe(TWO.replace(/\[profiles.other\][^[]*/, ""));
  });

  test("is left alone if it is written in a way that the change would break", () => {
    const inline = fileOf("profiles = { a = { broker = 'x' } }");
    expect(() => withoutProfile(inline, "a")).toThrow(CliError);
    expect(() => withProfile(inline, "b", { broker: "y" })).toThrow("nothing was changed");
    const text = "x = '''\n[profiles.a]\n'''\n[profiles.a]\nbroker = 'x'\n";
    expect(() => withoutProfile(fileOf(text), "a")).toThrow("nothing was changed");
  });
});

describe("rustlog profile", () => {
  test("creates, lists, uses, shows and deletes", async () => {
    using home = configHome();
    const { env, file } = home;
    const profile = (...args: readonly string[]) => run(["profile", ...args], { env });
    const created = await profile("create", "prod", "--broker", "broker.example", "--use");
    expect(created.stdout).toBe(`Created profile 'prod' in ${file}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await profile("create", "laptop", "--bootstrap-server", "127.0.0.1:9");
    expect((await profile("ls")).stdout).toBe(
      "PROFILE  BROKER               CURRENT\n" +
        "laptop   127.0.0.1:9          -\n" +
        "prod     broker.example:9092  yes\n",
    );
    expect((await profile("show")).stdout).toContain("prod (current)");
    expect((await profile("use", "laptop")).exitCode).toBe(0);
    expect((await run(["ping"], { env })).stderr).toContain("127.0.0.1:9");
    await profile("rm", "laptop");
    expect(readFileSync(file, "utf8").trim()).toBe(
      '[profiles.prod]\nbroker = "broker.example:9092"',
    );
    expect((await profile("show")).stderr).toContain("no profile is current");
  });

  test("says which profiles there are if one is missing, and does not write", async () => {
    using empty = configHome();
    const none = await run(["profile", "use", "x"], { env: empty.env });
    expect(none.stderr).toContain("`rustlog profile create` adds one");
    expect(existsSync(empty.file)).toBe(false);
    using home = configHome(TWO);
    const { env, file } = home;
    const { stderr, exitCode } = await run(["topics", "list", "--profile", "x"], { env });
    expect(stderr).toContain(`there is no profile 'x' in ${file}. It has 'other', 'laptop'.`);
    expect(exitCode).toBe(1);
    const again = await run(["profile", "create", "other", "-b", "h"], { env });
    expect([again.exitCode, readFileSync(file, "utf8")]).toEqual([1, TWO]);
  });
});
