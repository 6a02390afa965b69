// The client side of the measurements, in its own process. Broker and probe are measured with the same program.
// Leaves to others: the questions (load.ts), and interpreting the numbers (produce.ts, fetch.ts, …).
import { parseBrokerAddress } from "../../src/client/broker-address.js";
import { BrokerConnection } from "../../src/client/broker-connection.js";
import { connect } from "../../src/index.js";
import { Fetch } from "../../src/protocol/native/fetch.js";
import { Produce, encodeProduceRequestHead } from "../../src/protocol/native/produce.js";
import { readU32 } from "../../src/record/bytes.js";
import { type FramesLoad, framesOf } from "./frames.js";
import { sendFrames } from "./frames-connection.js";
import {
  commitFrame,
  type CommitLoad,
  type FetchLoad,
  fetchFrame,
  isCommitted,
  type LoadQuestion,
  type LoadResult,
  makeBatch,
  type ProduceLoad,
} from "./load.js";
import { percentile } from "../numbers.js";
import { answerQuestions } from "./worker.js";

const TIMEOUT_MS = 60_000;
const CLIENT_RECORD_BYTES = 100;

const idle: BrokerConnection[] = [];

answerQuestions<LoadQuestion>((question) => {
  switch (question.kind) {
    case "produce":
      return produce(question);
    case "frames":
      return sendAsFrames(question);
    case "bare":
      return fetchBare(question);
    case "client":
      return fetchByClient(question);
    case "commit":
      return commit(question);
    case "write":
      return writeRecords(question.port, question.topic, question.records);
    case "visit":
      return visitRecords(question.port, question.topic, question.records);
    case "connect":
      return holdConnections(question.port, question.connections);
    case "disconnect":
      for (const connection of idle.splice(0)) connection.close();
      return;
    case "slow readers":
      return Promise.all(Array.from({ length: question.readers }, () => readSlowly(question)));
  }
});

function open(port: number): Promise<BrokerConnection> {
  return BrokerConnection.open(parseBrokerAddress(`127.0.0.1:${port}`), TIMEOUT_MS);
}

/** Keeps `inFlight` requests in flight on each connection until `next` returns no more. Waits for `due` before each. */
async function run(
  connections: readonly BrokerConnection[],
  inFlight: number,
  next: (connection: BrokerConnection) => Promise<number> | undefined,
  due?: () => Promise<void>,
): Promise<LoadResult> {
  const latencies: number[] = [];
  let bytes = 0;
  const began = performance.now();
  const lane = async (connection: BrokerConnection): Promise<void> => {
    for (;;) {
      if (due !== undefined) await due();
      const asked = performance.now();
      const answer = next(connection);
      if (answer === undefined) return;
      const answered = await answer;
      bytes += answered;
      latencies.push(performance.now() - asked);
    }
  };
  const lanes = connections.flatMap((connection) =>
    Array.from({ length: inFlight }, () => lane(connection)),
  );
  await Promise.all(lanes);
  const seconds = (performance.now() - began) / 1000;
  for (const connection of connections) connection.close();
  return { ...summaryOf(latencies), seconds, bytes, records: 0 };
}

function summaryOf(
  latencies: readonly number[] | Float64Array,
): Pick<LoadResult, "requests" | "p50" | "p99" | "p999"> {
  const sorted = Float64Array.from(latencies).sort();
  const [p50, p99, p999] = [0.5, 0.99, 0.999].map((share) => percentile(sorted, share));
  return { requests: sorted.length, p50: p50 ?? 0, p99: p99 ?? 0, p999: p999 ?? 0 };
}

async function produce(load: ProduceLoad): Promise<LoadResult> {
  const { topic, topics = 1, partitions, bytesMax } = load;
  const { batch, records } = makeBatch(load.recordBytes, load.batchBytes);
  const connections = await Promise.all(
    Array.from({ length: load.connections }, () => open(load.port)),
  );
  const beganMs = performance.now();
  const until = beganMs + load.secondsMax * 1000;
  let sent = 0;
  const ask = (connection: BrokerConnection): Promise<number> | undefined => {
    if (sent * batch.length >= bytesMax || performance.now() >= until) return undefined;
    const name = load.topics === undefined ? topic : `${topic}-${sent % topics}`;
    const partition = Math.floor(sent++ / topics) % partitions;
    const encode = (id: number): Uint8Array =>
      encodeProduceRequestHead(id, name, partition, batch.length);
    return connection.request(encode, TIMEOUT_MS, batch).then((payload) => {
      Produce.decodeResponse(payload);
      return batch.length;
    });
  };
  const { bytesPerSecond } = load;
  let paced = 0;
  const due = async (): Promise<void> => {
    const dueMs = beganMs + (++paced * batch.length * 1000) / bytesPerSecond!;
    await Bun.sleep(Math.max(0, dueMs - performance.now()));
  };
  const pace = bytesPerSecond === undefined ? undefined : due;
  const result = await run(connections, load.inFlight, ask, pace);
  return { ...result, records: result.requests * records };
}

async function sendAsFrames(load: FramesLoad): Promise<LoadResult> {
  const { frame, records } = framesOf(load);
  const began = performance.now();
  const took = await sendFrames(load.port, frame, load);
  const seconds = (performance.now() - began) / 1000;
  const bytes = load.api === "fetch" ? 0 : frame(0).length * load.requests;
  return { ...summaryOf(took), seconds, bytes, records: load.requests * records };
}

function offsetOf(load: FetchLoad, index: number): number {
  const inTurn = Math.floor(index / load.partitions) % load.places;
  const place = load.random ? Math.floor(Math.random() * load.places) : inTurn;
  return place * load.step;
}

async function fetchByClient(load: FetchLoad): Promise<LoadResult> {
  const { topic, partitions, maxBytes, responseBytes } = load;
  let sent = 0;
  return await run([await open(load.port)], load.inFlight, (connection) => {
    if (sent >= load.requests) return undefined;
    const partition = sent % partitions;
    const offset = offsetOf(load, sent++);
    const encode = (id: number): Uint8Array => fetchFrame(id, topic, partition, offset, maxBytes);
    return connection.request(encode, TIMEOUT_MS).then((payload) => {
      const bytes = payload.length + 4;
      Fetch.decodeResponse(payload);
      if (responseBytes === 0 || bytes === responseBytes) return bytes;
      throw new Error(`an answer of ${bytes} bytes where ${responseBytes} were expected`);
    });
  });
}

/** Counts bytes without frames or promises, and sends the next request after each answer's number of bytes. */
async function fetchBare(load: FetchLoad): Promise<LoadResult> {
  const { responseBytes } = load;
  const total = load.requests * responseBytes;
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  let bytes = 0;
  let sent = 0;
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: load.port,
    socket: {
      data(_socket, chunk) {
        bytes += chunk.length;
        ask();
        if (bytes >= total) resolve();
      },
      close: () => reject(new Error("the connection was closed")),
    },
  });
  const ask = (): void => {
    const answered = Math.floor(bytes / responseBytes);
    while (sent < load.requests && sent - answered < load.inFlight) {
      const offset = offsetOf(load, sent++);
      socket.write(fetchFrame(sent, load.topic, 0, offset, load.maxBytes));
    }
  };
  const began = performance.now();
  ask();
  await done;
  const seconds = (performance.now() - began) / 1000;
  socket.end();
  if (bytes !== total) throw new Error(`${bytes} bytes came where ${total} were expected`);
  return { seconds, bytes, requests: load.requests, records: 0, p50: 0, p99: 0, p999: 0 };
}

/** Keeps `inFlight` commits in flight. */
async function commit(load: CommitLoad): Promise<LoadResult> {
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  const frames = Array.from({ length: load.inFlight }, (_, i) => commitFrame(load, i + 1));
  const latencies: number[] = [];
  let [sent, answered, sentAt] = [0, 0, 0];
  let rest: Uint8Array = new Uint8Array(0);
  let answerEnd: number | undefined;
  const ask = (): void => {
    const due: Uint8Array[] = [];
    for (; sent < load.requests && sent - answered < load.inFlight; sent++) {
      due.push(frames[sent % frames.length]!);
    }
    sentAt = performance.now();
    if (due.length > 0) socket.write(Buffer.concat(due));
  };
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port: load.port,
    socket: {
      data(_socket, chunk) {
        let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
        while (bytes.length >= 4 && bytes.length >= 4 + readU32(bytes, 0)) {
          const end = 4 + readU32(bytes, 0);
          // A refusal has another length; the first answer is looked at.
          if (answerEnd === undefined && isCommitted(load, bytes.subarray(4, end))) answerEnd = end;
          if (end !== answerEnd) reject(new Error("a commit was refused"));
          bytes = bytes.subarray(end);
          answered++;
        }
        rest = Uint8Array.from(bytes);
        if (load.inFlight === 1) latencies.push(performance.now() - sentAt);
        if (answered === load.requests) resolve();
        else ask();
      },
      close: () => reject(new Error("the connection was closed")),
    },
  });
  const began = performance.now();
  ask();
  await done;
  const seconds = (performance.now() - began) / 1000;
  socket.end();
  return { ...summaryOf(latencies), requests: load.requests, seconds, bytes: 0, records: 0 };
}

/** Writes records one by one through the public API. Resolves when all are acknowledged. */
async function writeRecords(port: number, topic: string, records: number): Promise<LoadResult> {
  await using client = await connect({ broker: `127.0.0.1:${port}` });
  const producer = client.producer({ batchBytes: 1024 * 1024 });
  const value = new Uint8Array(CLIENT_RECORD_BYTES).fill(0x61);
  await producer.send(topic, { value });
  const began = performance.now();
  for (let i = 1; i < records; i++) {
    const full = producer.enqueueRaw(topic, -1, null, value);
    if (full !== undefined) await full;
  }
  await producer.flush();
  return recordsResult(records, records * CLIENT_RECORD_BYTES, began);
}

/** Visits every record through the public API and touches a byte of its value. */
async function visitRecords(port: number, topic: string, records: number): Promise<LoadResult> {
  await using client = await connect({ broker: `127.0.0.1:${port}` });
  const consumer = client.consumer({ topic, follow: false });
  await consumer.start();
  const began = performance.now();
  let visited = 0;
  let sum = 0;
  let bytes = 0;
  for (let fetched = await consumer.nextBatch(); fetched !== null;) {
    const { cursor } = fetched;
    while (fetched.next()) {
      visited += 1;
      sum += cursor.buffer[cursor.valueStart] ?? 0;
    }
    bytes += fetched.bytes;
    if (visited >= records) break;
    fetched = await consumer.nextBatch();
  }
  const result = recordsResult(visited, bytes, began);
  if (visited < records || sum === 0) throw new Error(`only ${visited} of ${records} records came`);
  return result;
}

function recordsResult(records: number, bytes: number, began: number): LoadResult {
  const seconds = (performance.now() - began) / 1000;
  return { seconds, records, bytes, requests: 0, p50: 0, p99: 0, p999: 0 };
}

async function holdConnections(port: number, count: number): Promise<void> {
  while (idle.length < count) {
    const more = Math.min(100, count - idle.length);
    idle.push(...(await Promise.all(Array.from({ length: more }, () => open(port)))));
  }
}

/** A consumer that pauses after each portion, while answers pile up. */
async function readSlowly(load: Extract<LoadQuestion, { kind: "slow readers" }>): Promise<void> {
  const until = performance.now() + load.seconds * 1000;
  await using client = await connect({ broker: `127.0.0.1:${load.port}` });
  const consumer = client.consumer({ topic: load.topic, onOutOfRange: "earliest" });
  while (performance.now() < until) {
    const fetched = await consumer.nextBatch();
    fetched?.skipRest();
    await Bun.sleep(load.pauseMs);
  }
}
