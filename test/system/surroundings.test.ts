// The compiled executable in a foreign directory: files that Bun would read there must not affect it.
import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { environment, executable } from "../support/binary.js";
import { withTempDir } from "../support/tmp.js";

/** Leaves a file when it is run. */
const CODE = `require("node:fs").appendFileSync(process.env.TRACE, "ran\\n");`;
const SETTINGS = "RUSTLOG_PORT=from-a-file\nRUSTLOG_BROKER=from-a-file\n";
const PACKAGES = ["commander", "@commander-js/extra-typings", "@node-rs/crc32", "fs", "bun"];

/** Every file that Bun or Node looks for in the working directory or in the home directory. */
const FILES: Readonly<Record<string, string>> = {
  "code.js": CODE,
  "bunfig.toml": 'preload = ["./code.js"]\n',
  ".bunfig.toml": 'preload = ["./code.js"]\n',
  ".env": SETTINGS,
  ".env.local": SETTINGS,
  ".env.production": SETTINGS,
  ".env.development": SETTINGS,
  "tsconfig.json": "not JSON",
  "package.json": "not JSON",
  ...Object.fromEntries(PACKAGES.map((name) => [`node_modules/${name}/index.js`, CODE])),
};

/** Runs the executable in a directory that holds `FILES`, and which is the home directory too. */
async function runAmong(args: readonly string[]) {
  const path = await executable();
  return await withTempDir(async (directory) => {
    for (const [name, text] of Object.entries(FILES)) {
      mkdirSync(dirname(join(directory, name)), { recursive: true });
      writeFileSync(join(directory, name), text);
    }
    const trace = join(directory, "trace");
    const child = Bun.spawn([path, ...args], {
      cwd: directory,
      env: environment({ TRACE: trace, HOME: directory, XDG_CONFIG_HOME: directory }),
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr, exitCode] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { stdout, stderr, exitCode, hasRunCode: await Bun.file(trace).exists() };
  });
}

test("files in the working directory run no code and set no options", async () => {
  const version = await runAmong(["--version"]);
  expect(version).toMatchObject({ stderr: "", exitCode: 0, hasRunCode: false });
  // Fails after its options are parsed and before it listens: no data directory can be made below a file.
  const broker = await runAmong(["broker", "--data-dir", "code.js/data"]);
  expect(broker.stderr).toContain("code.js/data");
  expect(broker).toMatchObject({ exitCode: 1, hasRunCode: false });
  const client = await runAmong(["topics", "list", "--broker", "127.0.0.1:1"]);
  expect(client.stderr).toContain("127.0.0.1:1");
  expect(client).toMatchObject({ exitCode: 1, hasRunCode: false });
}, 60_000);
