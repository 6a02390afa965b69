// The probes: bare servers, in their own process, that move the same bytes as the broker and do nothing else.
// Leaves to others: their clients (load.ts). Probes parse nothing: they know the lengths of frames and count bytes.
//
// A produce probe appends what arrives to a file and, for every `frameBytes`, answers as a broker would, after
// a grouped fdatasync if told so. Without a file it only answers: an echo. A fetch probe writes `responseBytes`
// of one mapping for every `requestBytes`.
import { closeSync, fdatasync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import type { Socket, TCPSocketListener } from "bun";
import { FIRST_CORRELATION_ID } from "../../src/client/broker-connection.js";
import { writeU32 } from "../../src/record/bytes.js";
import { answerQuestions } from "./worker.js";

/** A question to a probe. */
export type ProbeQuestion =
  | {
      readonly kind: "produce";
      readonly frameBytes: number;
      readonly file?: string;
      readonly flush?: boolean;
    }
  | {
      readonly kind: "fetch";
      readonly file: string;
      readonly requestBytes: number;
      readonly responseBytes: number;
    }
  | { readonly kind: "stop" }
  | {
      readonly kind: "fdatasync";
      readonly file: string;
      readonly bytes: number;
      readonly times: number;
    };

/** Bytes of a Produce response: length, correlation id, error code 0, base offset. */
const ANSWER_BYTES = 18;

/** Maximum bytes per call of `write`. */
const WRITE_BYTES_MAX = 4 * 1024 * 1024;

let listening: { readonly listener: TCPSocketListener<unknown>; close(): void } | undefined;

answerQuestions<ProbeQuestion>((question) => {
  switch (question.kind) {
    case "produce":
      return produceProbe(question.frameBytes, question.file, question.flush === true);
    case "fetch":
      return fetchProbe(question.file, question.requestBytes, question.responseBytes);
    case "fdatasync":
      return fdatasyncTimes(question.file, question.bytes, question.times);
    case "stop":
      listening?.listener.stop(true);
      listening?.close();
      listening = undefined;
  }
});

interface Sender {
  received: number;
  answered: number;
}

function produceProbe(frameBytes: number, file: string | undefined, flush: boolean): number {
  const fd = file === undefined ? undefined : openSync(file, "a");
  const open = new Set<Socket<Sender>>();
  let flushing = false;
  const answer = (socket: Socket<Sender>, complete: number): void => {
    const count = complete - socket.data.answered;
    if (count === 0) return;
    const bytes = new Uint8Array(count * ANSWER_BYTES);
    for (let i = 0; i < count; i++) {
      writeU32(bytes, i * ANSWER_BYTES, ANSWER_BYTES - 4);
      writeU32(bytes, i * ANSWER_BYTES + 4, FIRST_CORRELATION_ID + socket.data.answered++);
    }
    if (socket.write(bytes) !== bytes.length) throw new Error("the load does not read its answers");
  };
  const completeOf = ({ data }: Socket<Sender>): number => Math.floor(data.received / frameBytes);
  // Frames that arrive during a flush share the next one.
  const flushNext = (): void => {
    const covered = [...open].map((socket) => [socket, completeOf(socket)] as const);
    if (fd === undefined || !covered.some(([socket, end]) => end > socket.data.answered)) return;
    flushing = true;
    fdatasync(fd, (error) => {
      if (error !== null) throw error;
      flushing = false;
      for (const [socket, complete] of covered) if (open.has(socket)) answer(socket, complete);
      flushNext();
    });
  };
  const listener = Bun.listen<Sender>({
    hostname: "127.0.0.1",
    port: 0,
    data: { received: 0, answered: 0 },
    socket: {
      open(socket) {
        socket.data = { received: 0, answered: 0 };
        socket.setNoDelay(true);
        open.add(socket);
      },
      close: (socket) => void open.delete(socket),
      data(socket, chunk) {
        for (let at = 0; fd !== undefined && at < chunk.length;) at += writeSync(fd, chunk, at);
        socket.data.received += chunk.length;
        if (!flush) answer(socket, completeOf(socket));
        else if (!flushing) flushNext();
      },
    },
  });
  const close = (): void => {
    if (fd !== undefined) closeSync(fd);
    if (file !== undefined) rmSync(file);
  };
  listening = { listener, close };
  return listener.port;
}

interface Reader {
  received: number;
  asked: number;
  owed: number;
  at: number;
}

function fetchProbe(file: string, requestBytes: number, responseBytes: number): number {
  const mapping = Bun.mmap(file, { shared: false });
  const send = (socket: Socket<Reader>): void => {
    const { data } = socket;
    while (data.owed > 0) {
      const length = Math.min(data.owed, WRITE_BYTES_MAX, mapping.length - data.at);
      const taken = Math.max(socket.write(mapping.subarray(data.at, data.at + length)), 0);
      data.owed -= taken;
      data.at = (data.at + taken) % mapping.length;
      if (taken < length) return;
    }
  };
  const listener = Bun.listen<Reader>({
    hostname: "127.0.0.1",
    port: 0,
    data: { received: 0, asked: 0, owed: 0, at: 0 },
    socket: {
      open(socket) {
        socket.data = { received: 0, asked: 0, owed: 0, at: 0 };
      },
      data(socket, chunk) {
        const { data } = socket;
        data.received += chunk.length;
        const asked = Math.floor(data.received / requestBytes);
        data.owed += (asked - data.asked) * responseBytes;
        data.asked = asked;
        send(socket);
      },
      drain: send,
    },
  });
  listening = { listener, close: () => {} };
  return listener.port;
}

/** Milliseconds of each of `times` appends of `bytes` followed by an fdatasync. */
function fdatasyncTimes(file: string, bytes: number, times: number): number[] {
  const fd = openSync(file, "a");
  const data = new Uint8Array(bytes).fill(0x61);
  const taken: number[] = [];
  for (let i = 0; i < times; i++) {
    const began = performance.now();
    writeSync(fd, data);
    fdatasyncSync(fd);
    taken.push(performance.now() - began);
  }
  closeSync(fd);
  rmSync(file);
  return taken;
}
