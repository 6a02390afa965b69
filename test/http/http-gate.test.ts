// The gate in front of the HTTP server: the number of connections, and passing bytes in both directions.
// Leaves to others: HTTP (http-server.test.ts).
import { expect, test } from "bun:test";
import { HttpGate } from "../../src/http/http-gate.js";
import { until } from "../support/until.js";

/** A server that sends `answer` after receiving a line and then closes, and a gate in front of it. */
function start(answer: Uint8Array, connectionsMax = 8) {
  let sent = 0;
  let received = 0;
  const write = (socket: Bun.Socket<{ from: number }>): void => {
    const { data } = socket;
    const written = socket.write(answer.subarray(data.from));
    data.from += written;
    sent += written;
    if (data.from === answer.length) socket.end();
  };
  const server = Bun.listen<{ from: number }>({
    ...{ hostname: "127.0.0.1", port: 0 },
    socket: {
      open: (socket) => {
        socket.data = { from: 0 };
      },
      data: (socket, bytes) => {
        received += bytes.length;
        if (bytes.includes(10)) write(socket);
      },
      drain: write,
    },
  });
  const behind = { hostname: "127.0.0.1", port: server.port };
  const gate = new HttpGate({
    log() {},
    ...{ host: "127.0.0.1", port: 0, flags: { host: "", port: "" } },
    behind,
    connectionsMax,
  });
  return {
    gate,
    sent: () => sent,
    received: () => received,
    [Symbol.dispose]() {
      gate.stop();
      server.stop(true);
    },
  };
}

/** A connection and what it has received. */
async function connect(port: number) {
  const chunks: Uint8Array[] = [];
  const closed = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    ...{ hostname: "127.0.0.1", port, allowHalfOpen: true },
    socket: {
      data: (_, bytes) => {
        chunks.push(bytes);
      },
      end: (ended) => {
        ended.end();
      },
      close: () => closed.resolve(),
    },
  });
  return { socket, closed: closed.promise, bytes: () => Buffer.concat(chunks) };
}

test("a large response passes completely, even to a client that closed its side", async () => {
  const answer = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7) >>> 3);
  using door = start(answer);
  for (const isHalfClosed of [false, true]) {
    const client = await connect(door.gate.port);
    client.socket.write("please\n");
    if (isHalfClosed) client.socket.shutdown();
    await client.closed;
    expect(Buffer.compare(client.bytes(), answer)).toBe(0);
  }
  await until(() => door.gate.connections === 0);
});

test("what a client does not read is not read from the server either", async () => {
  const answer = new Uint8Array(64 * 1024 * 1024);
  using door = start(answer);
  const client = await connect(door.gate.port);
  client.socket.pause();
  client.socket.write("please\n");
  let before = -1;
  // Until the kernel's buffers are full.
  while (door.sent() !== before || before === 0) {
    before = door.sent();
    await Bun.sleep(50);
  }
  expect(door.sent()).toBeLessThan(answer.length / 2);
  client.socket.resume();
  await client.closed;
  expect(client.bytes().length).toBe(answer.length);
});

test("connections beyond the limit get a 503 or are cut, until one ends", async () => {
  using door = start(new Uint8Array(10), 2);
  const clients: Awaited<ReturnType<typeof connect>>[] = [];
  for (let i = 1; i <= 2; i++) {
    const client = await connect(door.gate.port);
    client.socket.write(".");
    await until(() => door.received() === i);
    clients.push(client);
  }
  const refused = await connect(door.gate.port);
  await refused.closed;
  expect(refused.bytes().toString()).toStartWith("HTTP/1.1 503 Service Unavailable\r\n");
  const flood = await Promise.all(Array.from({ length: 100 }, () => connect(door.gate.port)));
  await Promise.all(flood.map(({ closed }) => closed));
  expect(door.gate.connections).toBe(2);
  clients[0]?.socket.end();
  await until(() => door.gate.connections === 1);
  const next = await connect(door.gate.port);
  next.socket.write("please\n");
  await next.closed;
  expect(next.bytes().length).toBe(10);
  clients[1]?.socket.end();
});

test("tells the address of a client by the port of its connection behind the gate, while it lasts", async () => {
  const arrived = Promise.withResolvers<number>();
  const server = Bun.listen({
    ...{ hostname: "127.0.0.1", port: 0 },
    socket: { data: (socket) => arrived.resolve(socket.remotePort) },
  });
  const gate = new HttpGate({
    ...{ host: "127.0.0.1", port: 0, flags: { host: "", port: "" }, connectionsMax: 8 },
    behind: { hostname: "127.0.0.1", port: server.port },
    log: () => {},
  });
  const { socket } = await connect(gate.port);
  socket.write("x");
  const port = await arrived.promise;
  expect(gate.addressOf(port)).toBe("127.0.0.1");
  expect(gate.addressOf(socket.localPort)).toBeUndefined();
  socket.terminate();
  await until(() => gate.addressOf(port) === undefined);
  gate.stop();
  server.stop(true);
});

test("a flood of requests is passed on over several turns of the event loop", async () => {
  let inThisTurn = 0;
  let most = 0;
  let received = 0;
  const server = Bun.listen({
    ...{ hostname: "127.0.0.1", port: 0 },
    socket: {
      data: () => {
        received++;
        most = Math.max(most, ++inThisTurn);
      },
    },
  });
  const gate = new HttpGate({
    ...{ host: "127.0.0.1", port: 0, flags: { host: "", port: "" }, connectionsMax: 200 },
    behind: { hostname: "127.0.0.1", port: server.port },
    log: () => {},
  });
  const clients = await Promise.all(Array.from({ length: 80 }, () => connect(gate.port)));
  for (const { socket } of clients) socket.write("a");
  // After the first chunks, all have their connection to the server.
  await until(() => received === 80);
  most = 0;
  for (const { socket } of clients) socket.write("b");
  while (received < 160) {
    inThisTurn = 0;
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(most).toBeLessThanOrEqual(40);
  gate.stop();
  server.stop(true);
});

test("clients that send nothing keep out none that does", async () => {
  using door = start(new Uint8Array(10), 8);
  const silent = await Promise.all(Array.from({ length: 20 }, () => connect(door.gate.port)));
  const closed = silent.map((client) => client.closed);
  await Promise.all(closed.slice(0, 16));
  expect(door.gate.connections).toBe(4);
  const client = await connect(door.gate.port);
  client.socket.write("please\n");
  await client.closed;
  expect(client.bytes().length).toBe(10);
});
