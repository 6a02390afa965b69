// The benchmarks with very little data, so that they keep working. No time is asserted.
// Leaves to others: what they measure.
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { environment, EXECUTABLE_VARIABLE, executable } from "../support/binary.js";
import { CHROMIUM } from "../support/browser.js";
import { HAS_OPENSSL } from "../support/certificates.js";
import { withTempDir } from "../support/tmp.js";

/** The environment of a benchmark, which need not build the executable again. */
const ENVIRONMENT = environment({ [EXECUTABLE_VARIABLE]: await executable() });

/** Runs a script of bench/, which must succeed and print nothing to stderr. */
async function run(script: string, ...args: string[]): Promise<string> {
  const path = join(import.meta.dir, "../../bench", script);
  const bench = Bun.spawn([process.execPath, path, "--tiny", ...args], {
    stdout: "pipe",
    stderr: "pipe",
    env: ENVIRONMENT,
  });
  const [output, errors] = await Promise.all([
    new Response(bench.stdout).text(),
    new Response(bench.stderr).text(),
  ]);
  expect(errors).toBe("");
  expect(await bench.exited).toBe(0);
  return output;
}

test("the benchmarks of the read path run", async () => {
  const output = await run("run.ts");
  for (const name of ["sequential_reads", "mmap_vs_active", "max_bytes", "partition_reads"]) {
    expect(output).toContain(`${name}/`);
  }
  expect(output).toContain("crc32c: 1048576 B: ran");
}, 60_000);

test("the end-to-end benchmarks run, and leave nothing behind", async () => {
  await withTempDir(async (dir) => {
    const sections: { title: string; rows: Record<string, unknown>[] }[] = JSON.parse(
      await run("e2e.ts", "--json", "--dir", dir),
    );
    expect(sections.map(({ title }) => title.split(":")[0])).toEqual([
      ...[
        "Produce",
        "Fetch",
        "Protocols",
        "Latency",
        "Start",
        "Clients",
        "Commits",
        "Memory",
        "Produce",
      ],
    ]);
    const rows = sections.flatMap((section) => section.rows);
    expect(rows.length).toBeGreaterThan(15);
    for (const row of rows) {
      const numbers = Object.values(row).filter((value) => typeof value === "number");
      expect([row, numbers.every((value) => Number.isFinite(value) && value >= 0)]).toEqual([
        row,
        true,
      ]);
    }
    expect(existsSync(dir)).toBe(true);
    expect([...new Bun.Glob("**").scanSync({ cwd: dir, onlyFiles: false })]).toEqual([]);
  });
}, 60_000);

test("the benchmarks of Kafka's protocol run, without Go and Apache Kafka", async () => {
  await withTempDir(async (dir) => {
    const parts = "native,start,memory";
    const sections: { title: string; rows: Record<string, unknown>[] }[] = JSON.parse(
      await run("kafka.ts", "--json", "--only", parts, "--dir", dir),
    );
    expect(sections.map(({ rows }) => rows.length)).toEqual([7, 1, 1]);
    expect([...new Bun.Glob("**").scanSync({ cwd: dir, onlyFiles: false })]).toEqual([]);
  });
}, 60_000);

test("the benchmark of compaction runs, without Apache Kafka", async () => {
  await withTempDir(async (dir) => {
    const sections: { rows: { rustlog?: number; measured?: number }[] }[] = JSON.parse(
      await run("compaction.ts", "--json", "--dir", dir),
    );
    expect(sections.map(({ rows }) => rows.length)).toEqual([2, 10]);
    const [alone, beside] = sections.map(({ rows }) => rows);
    expect(alone?.map(({ rustlog = 0 }) => rustlog > 0)).toEqual([true, true]);
    expect(beside?.map(({ measured = Number.NaN }) => Number.isFinite(measured))).not.toContain(
      false,
    );
    expect([...new Bun.Glob("**").scanSync({ cwd: dir, onlyFiles: false })]).toEqual([]);
  });
}, 60_000);

test("the benchmark of logins runs", async () => {
  await withTempDir(async (dir) => {
    const rows: { measured: number }[] = JSON.parse(await run("logins.ts", "--json", "--dir", dir));
    expect(rows.every(({ measured }) => measured > 0)).toBe(true);
    expect(rows.length).toBe(10);
    expect([...new Bun.Glob("**").scanSync({ cwd: dir, onlyFiles: false })]).toEqual([]);
  });
}, 60_000);

test("the benchmark of permissions runs", async () => {
  await withTempDir(async (dir) => {
    const output = await run("permissions.ts", "--json", "--dir", dir);
    const rows: { measured: number }[] = JSON.parse(output);
    expect(rows.map(({ measured }) => measured > 0)).toEqual([true, true, true]);
  });
}, 60_000);

test("the benchmark of quotas runs", async () => {
  await withTempDir(async (dir) => {
    const rows: { measured: number }[] = JSON.parse(await run("quotas.ts", "--json", "--dir", dir));
    expect(rows.map(({ measured }) => measured > 0)).toEqual([true, true, true, true]);
  });
}, 60_000);

test("the benchmark of the page runs, and no request of a page fails", async () => {
  await withTempDir(async (dir) => {
    const rows: { what: string; measured: number }[] = JSON.parse(
      await run("page.ts", "--json", "--dir", dir),
    );
    expect(rows.every(({ measured }) => Number.isFinite(measured))).toBe(true);
    const of = (name: string) => rows.find(({ what }) => what === name)?.measured;
    expect(of("requests of the pages")).toBeGreaterThan(0);
    expect(of("requests that failed")).toBe(0);
    expect([...new Bun.Glob("**").scanSync({ cwd: dir, onlyFiles: false })]).toEqual([]);
  });
}, 60_000);

test.skipIf(CHROMIUM === undefined)(
  "the benchmark of a page in a browser runs",
  async () => {
    await withTempDir(async (dir) => {
      const rows: { nodes: number; framesASecond: number }[] = JSON.parse(
        await run("page.ts", "--browser", "--json", "--dir", dir, "--view", "log,topics"),
      );
      expect(rows.map(({ nodes, framesASecond }) => nodes > 100 && framesASecond > 0)).toEqual([
        true,
        true,
      ]);
      expect([...new Bun.Glob("**").scanSync({ cwd: dir, onlyFiles: false })]).toEqual([]);
    });
  },
  60_000,
);

test("the curves are drawn, and leave nothing behind", async () => {
  await withTempDir(async (dir) => {
    const svg = join(dir, "svg");
    const output = await run("growth.ts", "--dir", dir, "--svg", svg);
    expect(output).toContain("Partitions of a topic (partitions)");
    expect(output).toMatch(
      /fetch at a random old offset, µs: × \S+ for × 3\n +1 █+ \S+\n +3 █+ \S+\n/,
    );
    const left = [...new Bun.Glob("**").scanSync({ cwd: dir, onlyFiles: true })].sort();
    expect(left).toEqual(
      ["connections", "log", "partitions", "segments"].map((name) => `svg/growth-${name}.svg`),
    );
    const text = await Bun.file(join(svg, "growth-log.svg")).text();
    expect(text.match(/<polyline points="[\d., ]+"/g)).toHaveLength(4);
    expect(text).not.toContain("NaN");
  });
}, 60_000);

test("a part that there is not is refused", async () => {
  const path = join(import.meta.dir, "../../bench/e2e.ts");
  const bench = Bun.spawn([process.execPath, path, "--only", "fetches"], { stderr: "pipe" });
  expect(await new Response(bench.stderr).text()).toContain("no such part: fetches; there are");
  expect(await bench.exited).toBe(2);
});

test.skipIf(!HAS_OPENSSL)(
  "the benchmark of TLS runs",
  async () => {
    expect(await run("tls.ts")).toContain("produce 64 KiB, beside an echo");
  },
  60_000,
);
