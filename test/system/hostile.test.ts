// The compiled broker with hostile or slow clients beside a good one.
import { describe, expect, test } from "bun:test";
import { Ping } from "../../src/protocol/native/meta.js";
import { BrokerProcess } from "../support/binary.js";
import { errorOf } from "../support/broker.js";
import { Random } from "../support/random.js";
import { RawClient } from "../support/raw-client.js";
import { tempDir } from "../support/tmp.js";
import { until } from "../support/until.js";
import { fuzzPort } from "./fuzz-port.js";
import { type GoodClient, goodClient } from "./good-client.js";
import { FRAME_LENGTHS, framed, validFrames } from "./hostile-input.js";
import { fillTopic, holdHalfFrames, neverReadFetches, StuckClients } from "./stuck-clients.js";
import { concat } from "../support/bytes.js";

const TIMEOUT_MS = 60_000;
const MiB = 1024 * 1024;

/** Runs `body` beside a good client, which must make progress meanwhile and afterwards. */
async function besideGoodClient(
  args: readonly string[],
  body: (broker: BrokerProcess, good: GoodClient) => Promise<void>,
): Promise<void> {
  using directory = tempDir();
  await using broker = await BrokerProcess.start(directory.path, "--flush", "never", ...args);
  const good = await goodClient(broker.address);
  await Promise.race([body(broker, good), good.failed]);
  await good.progress(3);
  await good.stop();
}

describe("bytes that are not requests", () => {
  test(
    "a fuzz of the port: no good client fails, nothing is a bug, memory is bounded",
    async () => {
      using directory = tempDir();
      await using broker = await BrokerProcess.start(directory.path, "--flush", "never");
      const summary = await fuzzPort(broker, { cases: 800, seed: 11 });
      expect(summary.native.rounds).toBeGreaterThan(0);
      expect(summary.kafka.rounds).toBeGreaterThan(0);
      expect(summary.rssAnonMiB.max).toBeLessThan(150);
    },
    TIMEOUT_MS,
  );

  test(
    "each length that is none is answered with an error, and nothing of that size is allocated",
    async () => {
      await besideGoodClient([], async (broker) => {
        for (const length of FRAME_LENGTHS) {
          using client = await RawClient.connect(broker.port, { allowHalfOpen: true });
          client.send(Ping.encodeRequest(1, {}), framed(length, new Uint8Array(5)));
          expect(errorOf(await client.response(1))).toBeUndefined();
          if (length > 5 && length <= 10 * MiB) continue;
          expect(errorOf(await client.response(0))).toMatch(/^(INVALID_REQUEST|FRAME_TOO_LARGE)/);
        }
        expect(broker.rssAnonMiB).toBeLessThan(150);
        expect(broker.reports).toEqual([]);
      });
    },
    TIMEOUT_MS,
  );

  test(
    "frames split at every byte are answered as if they were whole",
    async () => {
      await besideGoodClient([], async (broker) => {
        const frames = concat([...validFrames(new Random(1)), Ping.encodeRequest(2_000, {})]);
        const oneByOne = await RawClient.connect(broker.port);
        using _closing = oneByOne;
        for (const byte of frames) oneByOne.send(Uint8Array.of(byte));
        await oneByOne.response(2_000);
        for (let at = 1; at < frames.length; at += 7) {
          using client = await RawClient.connect(broker.port);
          client.send(frames.subarray(0, at));
          await Bun.sleep(0);
          client.send(frames.subarray(at));
          await client.response(2_000);
        }
        expect(broker.reports).toEqual([]);
      });
    },
    TIMEOUT_MS,
  );
});

describe("memory", () => {
  test(
    "50 clients that hold most of a 10 MiB frame cost no more than --max-inflight-bytes",
    async () => {
      const args = ["--max-inflight-bytes", "64MiB", "--max-connection-bytes", "16MiB"];
      await besideGoodClient(args, async (broker, good) => {
        using stuck = await holdHalfFrames(broker.port, 50, 10 * MiB, 9.9 * MiB);
        await stuck.settled();
        await good.progress(20);
        // 32 MiB of unfinished frames are kept: three of these. Without a limit it would be 495 MiB, for as long as the
        // clients are there. What the others have sent stays until a collection.
        expect(stuck.ended).toBeGreaterThanOrEqual(40);
        await until(() => broker.rssAnonMiB < 200);
        await until(() => broker.reports.length > 0);
        expect(broker.reports[0]).toContain("--max-inflight-bytes");
      });
    },
    TIMEOUT_MS,
  );

  test(
    "200 clients that never read what they fetch cost nothing, because the log is read as it is sent",
    async () => {
      await besideGoodClient([], async (broker, good) => {
        await fillTopic(broker.port, "t", 8);
        const before = broker.rssAnonMiB;
        using stuck = await neverReadFetches(broker.port, 200, "t", 10);
        await stuck.settled();
        await good.progress(20);
        expect(stuck.ended).toBe(0);
        expect(broker.rssAnonMiB - before).toBeLessThan(100);
      });
    },
    TIMEOUT_MS,
  );
});

describe("clients that do nothing", () => {
  test(
    "silent ones and one that dribbles are closed after --idle-timeout; the one at work is not",
    async () => {
      await besideGoodClient(["--idle-timeout", "300ms"], async (broker, good) => {
        using silent = await StuckClients.connect(broker.port, 20, () => {});
        using dribbler = await RawClient.connect(broker.port);
        dribbler.send(framed(1_000_000, new Uint8Array(1)));
        const dribble = setInterval(() => dribbler.send(Uint8Array.of(1)), 20);
        await Promise.all([...silent.clients, dribbler].map((client) => client.closed));
        clearInterval(dribble);
        await good.progress(10);
      });
    },
    TIMEOUT_MS,
  );

  test(
    "with few open files allowed, connections leave the log the files that it needs",
    async () => {
      using directory = tempDir();
      const args = ["--flush", "never", "--segment-bytes", "1KiB"];
      await using broker = await BrokerProcess.startWithOpenFiles(350, directory.path, ...args);
      expect(broker.lines.join("\n")).toContain(
        "175 connections will be served, not 10000: the limit on open files is 350",
      );
      const good = await goodClient(broker.address);
      // Some over the limit get an error, and the others are just closed.
      const connecting = Array.from({ length: 400 }, () => RawClient.connect(broker.port));
      const connected = await Promise.allSettled(connecting);
      // It rolls constantly.
      await Promise.race([good.progress(200), good.failed]);
      await good.stop();
      for (const one of connected) if (one.status === "fulfilled") one.value[Symbol.dispose]();
      expect(broker.reports).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    "over --max-connections a client is told so, and those that are there go on",
    async () => {
      await besideGoodClient(["--max-connections", "10"], async (broker, good) => {
        using there = await StuckClients.connect(broker.port, 9, (client) => {
          client.send(Ping.encodeRequest(1, {}));
        });
        await Promise.all(there.clients.map((client) => client.response(1)));
        for (let i = 0; i < 20; i++) {
          using over = await RawClient.connect(broker.port);
          over.send(Ping.encodeRequest(1, {}));
          expect(errorOf(await over.response(0))).toStartWith("TOO_MANY_CONNECTIONS");
          await over.closed;
        }
        await good.progress(10);
        for (const client of there.clients) client.send(Ping.encodeRequest(2, {}));
        await Promise.all(there.clients.map((client) => client.response(2)));
      });
    },
    TIMEOUT_MS,
  );
});
