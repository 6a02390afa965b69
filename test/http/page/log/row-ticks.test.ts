// When index entries are requested, and what is kept of them. Leaves to others: drawing them.
import { describe, expect, test } from "bun:test";
import { LogShape } from "../../../../src/http/page/log/log-shape.js";
import { RowTicks, TicksPace } from "../../../../src/http/page/log/row-ticks.js";
import { roomFor, Scale } from "../../../../src/http/page/log/scale.js";
import type { IndexTicks } from "../../../../src/http/page/log/log-wire.js";
import type { PartitionState } from "../../../../src/http/page/wire.js";

const MIB = 1024 * 1024;

/** A log of one active segment with so many bytes, or with sealed ones of 64 MiB before it. */
function stateOf(bytes: number): PartitionState {
  const sealedCount = Math.floor(bytes / (64 * MIB));
  const sealedBytes = sealedCount * 64 * MIB;
  return {
    ...{ topic: "t", partition: 0, firstBase: 0, logStart: 0, logEnd: bytes, sealedCount },
    ...{ highWatermark: bytes, endSegment: sealedBytes, endPosition: bytes - sealedBytes },
    ...{ activeBase: sealedBytes, activeBytes: bytes - sealedBytes, sealedBytes },
    ...{ revision: 0, newestMs: null, compactedTo: null },
  };
}

function listOf(state: PartitionState) {
  const bases = Array.from({ length: state.sealedCount + 1 }, (_, i) => i * 64 * MIB);
  const bytes = bases.map((base) => (base === state.activeBase ? state.activeBytes : 64 * MIB));
  return { bases, bytes, hasMore: false };
}

class Host {
  readonly queries: Readonly<Record<string, string | number>>[] = [];
  readonly redraws: number[] = [];
  answer: () => Promise<IndexTicks> = () => Promise.resolve({ segments: [] });

  ask(query: Readonly<Record<string, string | number>>): Promise<IndexTicks> {
    this.queries.push(query);
    return this.answer();
  }

  redraw(inMs: number): void {
    this.redraws.push(inMs);
  }
}

describe("the ticks of a row", () => {
  test("keep up while the log grows by 100 MB/s and rolls, its list of segments always late", async () => {
    const host = new Host();
    const ticks = new RowTicks(host, new TicksPace());
    const shape = new LogShape(stateOf(0));
    const shownAtMs: number[] = [];
    host.answer = () => {
      const { sealedBytes: base, activeBytes } = shape.state;
      return Promise.resolve({ segments: [{ base, entries: 1, positions: [activeBytes] }] });
    };
    for (let nowMs = 0; nowMs < 20_000; nowMs += 200) {
      const before = shape.state;
      shape.update(stateOf((nowMs / 1000) * 100 * MIB));
      const { sealedCount } = shape.state;
      const queries = host.queries.length;
      ticks.update(shape, new Scale({ from: 0, to: roomFor(shape.bytes) }, 1000), nowMs);
      await Promise.resolve();
      if (host.queries.length > queries) shownAtMs.push(nowMs);
      // The list of the previous look arrives with every roll.
      if (before.sealedCount < sealedCount) shape.add(listOf(before), -1);
    }
    const gaps = shownAtMs.map((ms, i) => ms - (shownAtMs[i - 1] ?? 0));
    expect(Math.max(...gaps, 20_000 - shownAtMs.at(-1)!)).toBeLessThanOrEqual(1000);
    expect(ticks.shown.length).toBe(1);
  });

  test("are requested again after a failure, and never twice at once", async () => {
    const host = new Host();
    const ticks = new RowTicks(host, new TicksPace());
    const shape = new LogShape(stateOf(MIB));
    const scale = new Scale({ from: 0, to: 2 * MIB }, 1000);
    const failing = Promise.withResolvers<IndexTicks>();
    host.answer = () => failing.promise;
    ticks.update(shape, scale, 0);
    ticks.update(shape, new Scale({ from: 0, to: MIB }, 1000), 5000);
    expect(host.queries.length).toBe(1);
    failing.reject(new Error("busy"));
    await failing.promise.catch(() => {});
    await Promise.resolve();
    expect(host.redraws).toEqual([1000]);
    host.answer = () => Promise.resolve({ segments: [{ base: 0, entries: 1, positions: [7] }] });
    ticks.update(shape, scale, 6000);
    await Promise.resolve();
    expect(ticks.shown.map(({ positions }) => positions)).toEqual([[7]]);
    // Known now.
    ticks.update(shape, scale, 60_000);
    expect(host.queries.length).toBe(2);
  });

  test("are requested for the part of a segment that is shown, and left out for very many", () => {
    const host = new Host();
    const ticks = new RowTicks(host, new TicksPace());
    const shape = new LogShape(stateOf(100 * 64 * MIB));
    shape.add(listOf(shape.state), -1);
    const from = 10 * 64 * MIB + 1000;
    ticks.update(shape, new Scale({ from, to: from + 10_000 }, 1000), 0);
    const base = 10 * 64 * MIB;
    const query = { bases: String(base), spacing: 50, from: 1000, to: 11_000 };
    expect(host.queries).toEqual([query]);
    ticks.update(shape, new Scale({ from: 0, to: shape.bytes }, 1000), 5000);
    expect([host.queries.length, ticks.shown.length]).toEqual([1, 0]);
  });

  test("of many rows are requested in turns, and none is left out", async () => {
    const pace = new TicksPace();
    const hosts = Array.from({ length: 12 }, () => new Host());
    const rows = hosts.map((host) => new RowTicks(host, pace));
    const shape = new LogShape(stateOf(0));
    for (let nowMs = 0; nowMs <= 12_000; nowMs += 50) {
      shape.update(stateOf(nowMs * 1000));
      const scale = new Scale({ from: 0, to: 20_000_000 }, 1000);
      for (const row of rows) row.update(shape, scale, nowMs);
      await Promise.resolve();
    }
    // Four a second, after the first of each.
    const counts = hosts.map(({ queries }) => queries.length);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(4);
    expect(counts.reduce((sum, count) => sum + count)).toBeLessThanOrEqual(12 + 11 * 4 + 1);
  });
});
