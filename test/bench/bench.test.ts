import { expect, test } from "bun:test";
import { join } from "node:path";

test("the benchmarks run, on very little data", async () => {
  const script = join(import.meta.dir, "../../bench/run.ts");
  const bench = Bun.spawn([process.execPath, script, "--tiny"], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, errors] = await Promise.all([
    new Response(bench.stdout).text(),
    new Response(bench.stderr).text(),
  ]);
  expect(errors).toBe("");
  expect(output).toContain("sequential_reads");
  expect(output).toContain("crc32c, 1048576 B: ran");
  expect(await bench.exited).toBe(0);
}, 60_000);
