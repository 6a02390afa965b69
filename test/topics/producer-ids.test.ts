// Producer ids that the broker gives out: never one twice, whatever happens to the machine.
import { describe, expect, test } from "bun:test";
import { FIRST_PRODUCER_ID, PRODUCER_IDS, ProducerIds } from "../../src/topics/producer-ids.js";
import { codeOf } from "../support/log-fixture.js";
import { Random } from "../support/random.js";
import { SimulatedDisk } from "../support/simulated-disk.js";

function newDisk(): SimulatedDisk {
  const disk = new SimulatedDisk(new Random(1));
  disk.makeDirectory("data");
  return disk;
}

describe("a producer id", () => {
  test("is given out once, also to those that ask at the same time", async () => {
    const ids = new ProducerIds(newDisk(), "data");
    const taken = await Promise.all(Array.from({ length: 2_500 }, () => ids.take()));
    expect(new Set(taken).size).toBe(2_500);
    expect(Math.min(...taken)).toBe(FIRST_PRODUCER_ID);
  });

  test("is not repeated after a crash", async () => {
    const disk = newDisk();
    const seen = new Set<number>();
    for (let round = 0; round < 20; round++) {
      const ids = new ProducerIds(disk, "data");
      for (let i = 0; i <= round * 60; i++) seen.add(await ids.take());
      disk.restart();
    }
    expect(seen.size).toBe(20 + 60 * ((19 * 20) / 2));
  });

  test("is refused while the file is damaged, and the error names it", async () => {
    const disk = newDisk();
    await new ProducerIds(disk, "data").take();
    await disk.writeFile(`data/${PRODUCER_IDS}`, new TextEncoder().encode('{"version":1'));
    const ids = new ProducerIds(disk, "data");
    expect(await codeOf(() => ids.take())).toBe("STORAGE_ERROR");
    expect(ids.take()).rejects.toThrow(PRODUCER_IDS);
  });
});
