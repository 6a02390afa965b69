// Sends the responses of one connection in the order of their requests, for dialects that require it. Early responses wait
// here. Leaves to others: the sending itself (connection.ts).
import type { InflightAccount } from "./inflight.js";
import type { InflightRequest } from "./inflight-request.js";
import type { OutboxEntry } from "./outbox.js";

type Send = (request: InflightRequest, head: Uint8Array, rest: readonly OutboxEntry[]) => void;

interface Response {
  readonly head: Uint8Array;
  readonly rest: readonly OutboxEntry[];
}

export class ResponseOrder {
  /** Requests with unsent responses, in the order received. */
  readonly #requests: InflightRequest[] = [];
  readonly #early = new Map<InflightRequest, Response>();
  readonly #inflight: InflightAccount;
  readonly #send: Send;

  constructor(inflight: InflightAccount, send: Send) {
    this.#inflight = inflight;
    this.#send = send;
  }

  began(request: InflightRequest): void {
    this.#requests.push(request);
  }

  /** Sends the answer and those that waited for it, or keeps it until earlier ones are sent. */
  settled(request: InflightRequest, head: Uint8Array, rest: readonly OutboxEntry[]): void {
    if (this.#requests[0] !== request) {
      this.#early.set(request, { head, rest });
      this.#inflight.keepEarly(memoryOf(head, rest));
      return;
    }
    this.#requests.shift();
    this.#send(request, head, rest);
    for (;;) {
      const next = this.#requests[0];
      const response = next === undefined ? undefined : this.#early.get(next);
      if (next === undefined || response === undefined) return;
      this.#requests.shift();
      this.#early.delete(next);
      this.#inflight.keepEarly(-memoryOf(response.head, response.rest));
      this.#send(next, response.head, response.rest);
    }
  }

  /** Drops everything, because the connection is closed. */
  clear(): void {
    for (const [request, { head, rest }] of this.#early) {
      this.#inflight.keepEarly(-memoryOf(head, rest));
      this.#inflight.ended(request);
    }
    this.#early.clear();
    this.#requests.length = 0;
  }
}

/** Slices of the log take no memory. */
function memoryOf(head: Uint8Array, rest: readonly OutboxEntry[]): number {
  let bytes = head.length;
  for (const entry of rest) if (entry instanceof Uint8Array) bytes += entry.length;
  return bytes;
}
