// The memory in which messages are written.
import { expect, test } from "bun:test";
import { writeText, writeUuid } from "../../src/record/bytes.js";
import { finishedMessage, takeScratch } from "../../src/protocol/scratch.js";

test("messages that are written at the same time have memory of their own", () => {
  const first = takeScratch();
  const second = takeScratch();
  first.fill(1);
  second.fill(2);
  const one = finishedMessage(first, 3);
  const two = finishedMessage(second, 2);
  takeScratch().fill(3); // the next message begins in memory of one that is finished
  expect([one, two]).toEqual([Uint8Array.of(1, 1, 1), Uint8Array.of(2, 2)]);
});

test("text is written as UTF-8, whatever its characters", () => {
  for (const text of ["", "orders-1", "naïve", "日本", "a\u{1f600}b", "\ud800"]) {
    const expected = new TextEncoder().encode(text);
    const bytes = new Uint8Array(expected.length + 2).fill(9);
    writeText(bytes, 1, text, expected.length);
    expect([text, bytes]).toEqual([text, Uint8Array.of(9, ...expected, 9)]);
  }
});

test("a UUID is written as its sixteen bytes", () => {
  const bytes = new Uint8Array(18);
  writeUuid(bytes, 1, "00f1e2d3-c4b5-4697-8879-6a5b4c3d2e1f");
  expect(bytes.toHex()).toBe("0000f1e2d3c4b5469788796a5b4c3d2e1f00");
  for (const text of ["", "00F1E2D3-C4B5-4697-8879-6A5B4C3D2E1F", "0".repeat(36)]) {
    expect(() => writeUuid(bytes, 1, text)).toThrow("is not a UUID");
  }
});
