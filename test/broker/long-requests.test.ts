// Requests that are longer than one of their kind can be: refused before they have come, and not kept.
import { expect, test } from "bun:test";
import { REQUEST_BYTES_MAX } from "../../src/limits.js";
import { FrameDecoder } from "../../src/net/frame.js";
import { API, encodeRequest } from "../../src/protocol/native/messages.js";
import { errorOf, pingFrame, startBroker } from "../support/broker.js";

const MiB = 1024 * 1024;

/** A frame with `bytes` bytes of body. */
function requestOf(apiKey: number, id: number, bytes: number): Uint8Array {
  return encodeRequest(apiKey, id, (body) => body.raw(new Uint8Array(bytes)));
}

test("a request other than Produce that is too long is refused before all of it has arrived", async () => {
  await using started = await startBroker();
  using session = await started.session();
  const frame = requestOf(API.OffsetCommit, 7, REQUEST_BYTES_MAX);
  session.client.send(frame.subarray(0, 2 * MiB));
  expect(errorOf(await session.client.response(7))).toStartWith(
    `INVALID_REQUEST: a request of ${REQUEST_BYTES_MAX + 6} bytes: only a Produce may have more`,
  );
  // The connection continues after the frame.
  session.client.send(frame.subarray(2 * MiB), pingFrame(8));
  expect(errorOf(await session.client.response(8))).toBeUndefined();
  expect(started.broker.inflight.keptBytes).toBe(0);
});

test("a request of maximum length is read", async () => {
  await using started = await startBroker();
  using session = await started.session();
  session.client.send(requestOf(API.OffsetCommit, 1, REQUEST_BYTES_MAX - 6));
  expect(errorOf(await session.client.response(1))).toContain("bytes follow its last field");
});

test("a dropped frame keeps no memory, however it is split, and the next one is found", () => {
  const long = requestOf(API.Ping, 1, 100_000);
  const bytes = Buffer.concat([long, pingFrame(2)]);
  for (const chunk of [1, 7, 4096, 100_000, bytes.length]) {
    const decoder = new FrameDecoder({ frameBytesMax: MiB });
    let dropped = 0;
    let payload: Uint8Array | undefined;
    for (let at = 0; at < bytes.length; at += chunk) {
      decoder.feed(bytes.subarray(at, at + chunk));
      if (decoder.takeTooLong({ headerBytes: 6, requestBytesMax: () => 1000 }) !== undefined)
        dropped++;
      payload = decoder.next();
      if (payload === undefined) expect(decoder.pendingBytes).toBeLessThan(16);
    }
    expect(dropped).toBe(1);
    expect(payload).toEqual(pingFrame(2).subarray(4));
  }
});
