// A second dialect beside the native one: a toy protocol that needs its responses in order, has requests without a
// response, and errors of its own. It registers with the listener, and nothing in net/ or protocol/native knows of it.
import { describe, expect, test } from "bun:test";
import { BrokerMetrics } from "../../src/broker/metrics.js";
import { RustLogError } from "../../src/errors.js";
import type { Dialect, DialectConnection, Session } from "../../src/net/dialect.js";
import type { NextFrame } from "../../src/net/frame.js";
import type { InflightRequest } from "../../src/net/inflight-request.js";
import { Listener } from "../../src/net/listener.js";
import { type Dispatcher, NativeDialect } from "../../src/protocol/native/server/dialect.js";
import { encodeResponse } from "../../src/protocol/native/messages.js";
import { Router } from "../../src/protocol/native/server/router.js";
import { joined } from "../../src/record/bytes.js";
import type { ServiceContext } from "../../src/services/context.js";
import { fetch, WaitingFetch } from "../../src/services/fetch.js";
import { produce } from "../../src/services/produce.js";
import { anyPort } from "../support/any-port.js";
import {
  batchOf,
  errorOf,
  pingFrame,
  recordsIn,
  Session as NativeClient,
  startBroker,
} from "../support/broker.js";
import { RawClient } from "../support/raw-client.js";
import { until } from "../support/until.js";

const MiB = 1024 * 1024;

/** First byte of a toy request; no native one begins with it. Then comes a letter, and a text. */
const TOY = 200;

function frame(text: string): Uint8Array {
  const payload = new TextEncoder().encode(text);
  const bytes = new Uint8Array(4 + payload.length);
  new DataView(bytes.buffer).setUint32(0, payload.length);
  bytes.set(payload, 4);
  return bytes;
}

function toyFrame(letter: string, text = ""): Uint8Array {
  const bytes = frame(`_${letter}${text}`);
  bytes[4] = TOY;
  return bytes;
}

/**
 * `E` echoes its text, `L` does so when the test says so, `S` says nothing and keeps its text, `P` produces its text and
 * `F` fetches from an offset, anything else is an error. Texts longer than 100 bytes are too long.
 */
class ToyDialect implements Dialect {
  readonly #context: ServiceContext | undefined;
  readonly name = "toy";
  readonly headerBytes = 2;
  readonly inOrder = true;
  readonly late: (() => void)[] = [];
  readonly said: string[] = [];
  readonly connections: DialectConnection[] = [];

  constructor(context?: ServiceContext) {
    this.#context = context;
  }

  speaks(firstByte: number): boolean {
    return firstByte === TOY;
  }

  requestBytesMax(next: NextFrame): number {
    return next.nextByte(1) === "S".charCodeAt(0) ? MiB : 102;
  }

  tooLongError(bytes: number): RustLogError {
    return new RustLogError("INVALID_REQUEST", `${bytes} bytes are too long`);
  }

  isSmall(): boolean {
    return true;
  }

  encodeConnectionError({ code }: RustLogError): Uint8Array {
    return frame(`BYE ${code}`);
  }

  open(connection: DialectConnection): Session {
    this.connections.push(connection);
    return {
      dialect: this,
      mayTake: () => true,
      take: (request, payload) => this.#take(request, joined(payload)),
      isKnown: true,
      user: undefined,
      spent: () => {},
      endReason: () => undefined,
      refuse: (request, _head, error) => request.answer(frame(`ERR ${error.message}`)),
    };
  }

  idle(): Promise<void> {
    return Promise.resolve();
  }

  #take(request: InflightRequest, payload: Uint8Array): void {
    if (payload.length < this.headerBytes) {
      throw new RustLogError("INVALID_REQUEST", "a request without a letter");
    }
    const letter = String.fromCharCode(payload[1]!);
    const text = new TextDecoder().decode(payload.subarray(2));
    const echo = (): void => request.answer(frame(text));
    if (letter === "E") echo();
    else if (letter === "L") this.late.push(echo);
    else if (letter === "S") {
      this.said.push(text);
      request.answerNothing();
    } else if (letter === "P" && this.#context !== undefined) {
      produce(this.#context, { topic: "toys", partition: 0, batch: [batchOf(text)] }).then(
        (offset) => request.answer(frame(`at ${offset}`)),
        (error: unknown) => request.answer(frame(`ERR ${error}`)),
      );
    } else if (letter === "F" && this.#context !== undefined) {
      this.#fetch(request, this.#context, Number(text));
    } else request.answer(frame(`ERR there is no ${letter}`));
  }

  /** Answers with a batch as it lies in the log. */
  #fetch(request: InflightRequest, context: ServiceContext, offset: number): void {
    const position = { topic: "toys", partition: 0, offset, bytesMax: MiB };
    const query = { positions: [position], bytesMax: MiB, bytesMin: 0, waitMs: 0 };
    const results = fetch(context, query);
    const result = results instanceof WaitingFetch ? undefined : results[0];
    if (result === undefined || "error" in result) {
      request.answer(frame("ERR nothing was read"));
      return;
    }
    const head = frame("");
    new DataView(head.buffer).setUint32(0, result.bytes);
    request.answer(head, result.slices);
  }
}

/** A client that keeps the texts of all frames that it gets. */
class ToyClient implements Disposable {
  readonly #socket: Bun.Socket<undefined>;
  #input = Buffer.alloc(0);
  isClosed = false;

  private constructor(socket: Bun.Socket<undefined>) {
    this.#socket = socket;
  }

  static async connect(port: number): Promise<ToyClient> {
    let client!: ToyClient;
    await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        open: (socket) => {
          client = new ToyClient(socket);
        },
        data: (_, chunk) => {
          client.#input = Buffer.concat([client.#input, chunk]);
        },
        close: () => {
          client.isClosed = true;
        },
      },
    });
    return client;
  }

  get bytes(): string {
    return this.#input.toString("latin1");
  }

  get payloads(): Buffer[] {
    const payloads: Buffer[] = [];
    for (let at = 0; at < this.#input.length;) {
      const end = at + 4 + this.#input.readUInt32BE(at);
      if (end > this.#input.length) break;
      payloads.push(this.#input.subarray(at + 4, end));
      at = end;
    }
    return payloads;
  }

  get texts(): string[] {
    return this.payloads.map((payload) => payload.toString());
  }

  send(...frames: Uint8Array[]): void {
    this.#socket.write(Buffer.concat(frames));
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}

const PONG: Dispatcher = {
  open: () => ({
    dispatch: (exchange) => exchange.answer(encodeResponse(exchange.correlationId, () => {})),
    isKnown: true,
    ...{ user: undefined, throttle: undefined },
    endReason: () => undefined,
  }),
  idle: () => Promise.resolve(),
};

/** A port with both dialects. Without a context, the native one answers every request with success. */
function listen(connectionsMax = 100, context?: ServiceContext) {
  const toy = new ToyDialect(context);
  const metrics = new BrokerMetrics();
  const lines: string[] = [];
  const native = new NativeDialect(context === undefined ? PONG : new Router(context), metrics);
  const listener = new Listener({
    endpoints: [anyPort()],
    connectionsMax,
    inflightBytesMax: 512 * MiB,
    idleTimeoutMs: 60_000,
    requiresLogin: false,
    loginTimeoutMs: 30_000,
    limits: { frameBytesMax: MiB, connectionBytesMax: 8 * MiB, connectionRequestsMax: 4096 },
    dialects: [native, toy],
    httpHint: "The page is elsewhere.",
    metrics,
    log: (line) => lines.push(line),
    canOpenFiles: () => true,
  });
  return {
    toy,
    lines,
    metrics,
    listener,
    connect: () => ToyClient.connect(listener.port),
    async [Symbol.asyncDispose]() {
      listener.terminate();
      await listener.stop(0);
    },
  };
}

describe("a dialect that answers in order", () => {
  test("keeps a ready response until earlier ones are sent", async () => {
    await using port = listen();
    using client = await port.connect();
    client.send(toyFrame("L", "first"), toyFrame("E", "second"), toyFrame("L", "third"));
    client.send(toyFrame("E", "fourth"));
    await until(() => port.toy.late.length === 2);
    port.toy.late[1]!();
    const [connection] = port.listener.connections;
    // Four requests are not answered; three of their responses wait in memory.
    expect(connection!.inflight.unanswered).toBe(4);
    port.toy.late[0]!();
    await until(() => client.texts.length === 4);
    expect(client.texts).toEqual(["first", "second", "third", "fourth"]);
    expect(connection!.inflight).toMatchObject({ unanswered: 0, bytes: 0 });
    expect(port.listener.budget.workingBytes).toBe(0);
  });

  test("keeps nothing for a client that has left", async () => {
    await using port = listen();
    const client = await port.connect();
    client.send(toyFrame("L", "first"), toyFrame("E", "second"));
    await until(() => port.toy.late.length === 1);
    client[Symbol.dispose]();
    await until(() => port.listener.connections.size === 0);
    port.toy.late[0]!();
    expect(port.listener.budget.workingBytes).toBe(0);
  });

  test("sends the reason for closing after all outstanding responses", async () => {
    await using port = listen();
    using client = await port.connect();
    client.send(toyFrame("L", "owed"), Uint8Array.of(0xff, 0xff, 0xff, 0xff));
    await until(() => port.metrics.connectionErrors().length === 1);
    port.toy.late[0]!();
    await until(() => client.isClosed);
    expect(client.texts).toEqual(["owed", "BYE FRAME_TOO_LARGE"]);
  });
});

describe("a request without a response", () => {
  test("does not block later ones, and no longer counts once it is done", async () => {
    await using port = listen();
    using client = await port.connect();
    client.send(toyFrame("S", "silence"), toyFrame("E", "sound"), toyFrame("S", "more silence"));
    await until(() => port.toy.said.length === 2);
    await until(() => client.texts.length === 1);
    expect(client.texts).toEqual(["sound"]);
    expect(port.toy.said).toEqual(["silence", "more silence"]);
    expect(port.listener.budget.workingBytes).toBe(0);
  });
});

describe("errors of a dialect", () => {
  test("use its own format: for a request, for one that is too long, for an invalid one", async () => {
    await using port = listen();
    using client = await port.connect();
    client.send(toyFrame("X"), toyFrame("E", "e".repeat(101)), toyFrame("E", "and on"));
    await until(() => client.texts.length === 3);
    expect(client.texts).toEqual(["ERR there is no X", "ERR 103 bytes are too long", "and on"]);
    client.send(Uint8Array.of(0, 0, 0, 1, TOY));
    await until(() => client.isClosed);
    expect(client.texts.at(-1)).toBe("BYE INVALID_REQUEST");
  });

  test("report a connection over the limit, once the dialect is known", async () => {
    await using port = listen(1);
    using first = await port.connect();
    first.send(toyFrame("E", "in"));
    await until(() => first.texts.length === 1);
    using toy = await port.connect();
    using native = await RawClient.connect(port.listener.port);
    toy.send(toyFrame("E", "in?"));
    native.send(pingFrame(1));
    expect(errorOf(await native.response(0))).toStartWith("TOO_MANY_CONNECTIONS");
    await until(() => toy.isClosed);
    expect(toy.texts).toEqual(["BYE TOO_MANY_CONNECTIONS"]);
  });

  test("report a stop", async () => {
    await using port = listen();
    using client = await port.connect();
    client.send(toyFrame("L", "owed"));
    await until(() => port.toy.late.length === 1);
    const stopped = port.listener.stop(10_000);
    client.send(toyFrame("E", "late"));
    const [connection] = port.listener.connections;
    await until(() => connection?.inflight.unanswered === 2);
    port.toy.late[0]!();
    await stopped;
    await until(() => client.isClosed);
    expect(client.texts[0]).toBe("owed");
    expect(client.texts[1]).toStartWith("ERR the broker is stopping");
  });
});

describe("the first byte of a connection", () => {
  test("chooses the dialect, however the bytes are split", async () => {
    await using port = listen();
    using toy = await port.connect();
    for (const byte of toyFrame("E", "toy")) toy.send(Uint8Array.of(byte));
    using native = await RawClient.connect(port.listener.port);
    for (const byte of pingFrame(7)) native.send(Uint8Array.of(byte));
    expect(errorOf(await native.response(7))).toBeUndefined();
    await until(() => toy.texts.length === 1);
    expect(toy.texts).toEqual(["toy"]);
  });

  const strangers: [string, Uint8Array, string][] = [
    ["0, which is for another protocol", Uint8Array.of(0, 0, 0, 9, 0, 3), "starts with byte 0"],
    ["one that no dialect has", Uint8Array.of(0, 0, 0, 9, 150, 3), "starts with byte 150"],
    ["none, in an empty frame", Uint8Array.of(0, 0, 0, 0), "its first frame is empty"],
    ["that of TLS", Uint8Array.of(0x16, 3, 1, 2, 0, 1), "a TLS client"],
    ["that of SSH", Buffer.from("SSH-2.0-OpenSSH"), 'starts with the text "SSH-"'],
    ["that of a PROXY header", Buffer.from("PROXY TCP4 10.0.0.1"), 'the text "PROX"'],
    ["that of a binary PROXY header", Buffer.from("\r\n\r\n\0\r\nQUIT\n"), "a PROXY header"],
  ];
  for (const [what, bytes, kind] of strangers) {
    test(`if it is ${what}, ends the connection without an answer`, async () => {
      await using port = listen();
      using client = await port.connect();
      client.send(bytes);
      await until(() => client.isClosed);
      expect(client.bytes).toBe("");
      expect(port.lines.join()).toContain(kind);
    });
  }

  for (const method of ["GET", "POST", "HEAD", "PUT", "DELETE"]) {
    test(`of ${method} is answered in HTTP`, async () => {
      await using port = listen();
      using client = await port.connect();
      client.send(new TextEncoder().encode(`${method} / HTTP/1.1\r\nHost: x\r\n\r\n`));
      await until(() => client.isClosed);
      expect(client.bytes).toStartWith("HTTP/1.1 400 Bad Request\r\n");
      expect(client.bytes).toEndWith("\r\n\r\nThe page is elsewhere.");
    });
  }

  test("is awaited: nothing is written before it arrives", async () => {
    await using port = listen(0);
    using silent = await port.connect();
    using native = await RawClient.connect(port.listener.port);
    native.send(pingFrame(1));
    expect(errorOf(await native.response(0))).toStartWith("TOO_MANY_CONNECTIONS");
    // One that is refused and says nothing has a second.
    await until(() => silent.isClosed);
    expect(silent.bytes).toBe("");
  });
});

test("both dialects share the use cases: each reads records that the other produced", async () => {
  await using broker = await startBroker();
  await using port = listen(100, broker.broker.context);
  using toy = await port.connect();
  toy.send(toyFrame("P", "by the toy"));
  await until(() => toy.texts.length === 1);
  expect(toy.texts).toEqual(["at 0"]);
  using native = await NativeClient.connect(port.listener.port);
  expect(await native.produce("toys", 0, batchOf("natively"))).toBe(1);
  const { batches } = await native.fetch({ topic: "toys" });
  expect(recordsIn(batches)).toEqual(["0:by the toy", "1:natively"]);
  toy.send(toyFrame("F", "0"), toyFrame("E", "next"));
  await until(() => toy.payloads.length === 3);
  expect(toy.payloads[1]!.equals(batches)).toBe(true);
  expect(toy.texts[2]).toBe("next");
});
