// `rustlog inspect` of indexes and producer snapshots, as a process: valid and damaged ones.
// Leaves to others: logs (inspect.test.ts).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { edit, fileOf, makeSample } from "../inspection/sample.js";
import { tempDir } from "../support/tmp.js";
import { run } from "./rustlog.js";

let sample: ReturnType<typeof tempDir>;
beforeAll(async () => {
  sample = tempDir();
  await makeSample(sample.path);
});
afterAll(() => sample[Symbol.dispose]());

/** The output of an inspect that must succeed. */
async function inspect(file: string, ...args: readonly string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await run(["inspect", file, ...args]);
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  return stdout;
}

test("indexes are printed with each entry checked against the log", async () => {
  expect(await inspect(join(sample.path, fileOf(4, "index")))).toBe(
    `ENTRY  OFFSET  POSITION  CHECK
    0       7      5078  ok
    1       9     10261  ok
`,
  );
  expect(await inspect(join(sample.path, fileOf(4, "timeindex")))).toBe(
    `ENTRY  OFFSET      TIMESTAMP  TIME                      CHECK
    0       7  1700000000032  2023-11-14T22:13:20.032Z  ok
    1       9  1700000000040  2023-11-14T22:13:20.040Z  ok
`,
  );
  using directory = tempDir();
  await makeSample(directory.path);
  const path = join(directory.path, fileOf(4, "index"));
  edit(path, (bytes) => {
    bytes[15]! ^= 1;
  });
  expect(await inspect(path)).toContain("points to position 10260, where no batch starts\n");
  const [, entry] = (await inspect(path, "--json")).split("\n");
  expect(JSON.parse(entry ?? "")).toMatchObject({
    kind: "entry",
    entry: 1,
    position: 10_260,
    fault: expect.any(String),
  });
  expect(await inspect(path, "--hex", "--from", "9")).toBe(
    `entry 1: points to position 10260, where no batch starts
00000008  00 00 00 05              relativeOffset          5 (offset 9)
0000000c  00 00 28 14              position                10260
`,
  );
});

describe("a snapshot", () => {
  const path = (): string => join(sample.path, fileOf(13, "snapshot"));

  test("prints an entry for each remembered batch, newest last", async () => {
    expect(await inspect(path())).toBe(
      `PRODUCER  EPOCH  SEQUENCE  RECORDS  OFFSET  TIMESTAMP
      77      0         0        2       0  2023-11-14T22:13:20.001Z
      77      0         2        2       2  2023-11-14T22:13:20.011Z
      77      0         4        1       4  2023-11-14T22:13:20.020Z
      77      0         5        2      10  2023-11-14T22:13:20.051Z
`,
    );
    const json = await inspect(path(), "--json", "--from", "4", "--limit", "1");
    expect(JSON.parse(json)).toEqual({
      kind: "producer",
      entry: 2,
      producerId: 77,
      producerEpoch: 0,
      baseSequence: 4,
      recordCount: 1,
      baseOffset: 4,
      lastOffset: 4,
      timestamp: 1_700_000_000_020,
    });
  });

  test("--hex covers every byte with a field", async () => {
    const lines = (await inspect(path(), "--hex")).split("\n");
    const shown = lines.filter((line) => !line.startsWith("entry"));
    const bytes = shown.map((line) => line.slice(10, 33).replaceAll(" ", "")).join("");
    expect(bytes).toBe(readFileSync(path()).toString("hex"));
    expect(lines[1]).toMatch(/ crc +0x[\da-f]{8} ok$/);
    expect(lines).toContain("entry 3");
    expect(lines.at(-6)).toMatch(/^000000a2 .* lastOffset +11$/);
  });

  test("that is damaged is printed with the reason why a broker ignores it", async () => {
    using directory = tempDir();
    const broken = join(directory.path, "00000000000000000013.snapshot");
    const bytes = readFileSync(path());
    bytes[50]! ^= 1;
    writeFileSync(broken, bytes.subarray(0, 150));
    const lines = (await inspect(broken)).trimEnd().split("\n");
    expect(lines).toHaveLength(1 + 3 + 3);
    expect(lines[4]).toMatch(/^DAMAGED: its CRC-32C is 0x[\da-f]{8} in its header, but 0x/);
    expect(lines[5]).toBe("DAMAGED: its header states 4 entries, but it has 3");
    expect(lines[6]).toBe("DAMAGED: its last 2 bytes are not a complete entry");
    writeFileSync(broken, "");
    expect(await inspect(broken, "--json")).toBe(
      `${JSON.stringify({ kind: "damage", reason: "its 0 bytes are less than a header" })}\n`,
    );
    writeFileSync(broken, "abc");
    expect(await inspect(broken, "--hex")).toStartWith("00000000  61 62 63 ");
  });
});
