// Who is at the other end of a connection: its address, what it calls itself, and what it does, for the log, the metrics and
// the page.
// Leaves to others: the connection (connection.ts).
import { CLIENT_TEXT_LENGTH_MAX, GROUP_NAME_BYTES_MAX, TOPIC_NAME_LENGTH_MAX } from "../limits.js";
import { printable } from "../printable.js";
import { formatAddress, plainAddress } from "./address.js";

/** The part of `Bun.Socket` that tells the client's address. Both are undefined once the client has reset it. */
interface ClientSocket {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
}

/** Clients so far, each with a connection of its own. */
let count = 0;

/** Earlier topics of a client that are kept. */
const EARLIER_TOPICS_MAX = 15;

/** The topics of a client's requests of a kind. Noting the same one as before, as most requests do, allocates nothing. */
export class RecentTopics {
  /** The first topic of the last request; undefined if there was none. */
  #topic: string | undefined;
  /** The number of further topics in the same request. */
  more = 0;
  /** When it was complete, on the clock of `clockMs()`. */
  #atMs = 0;
  /** When others were the first topic of a request. */
  #earlier: Map<string, number> | undefined;

  note(topic: string, more: number, atMs: number): void {
    if (topic !== this.#topic) this.#changeTo(topic);
    this.more = more;
    this.#atMs = atMs;
  }

  /** The topics since a time, that of the last request first. */
  since(ms: number): readonly string[] {
    if (this.#topic === undefined || this.#atMs < ms) return [];
    const topics = [this.#topic];
    for (const [topic, atMs] of this.#earlier ?? []) {
      if (atMs >= ms && topic !== this.#topic) topics.push(topic);
    }
    return topics;
  }

  #changeTo(topic: string): void {
    if (this.#topic !== undefined) {
      this.#earlier ??= new Map();
      this.#earlier.set(this.#topic, this.#atMs);
      if (this.#earlier.size > EARLIER_TOPICS_MAX) this.#forgetOne();
    }
    this.#topic = topic.length > TOPIC_NAME_LENGTH_MAX ? undefined : topic;
  }

  #forgetOne(): void {
    for (const topic of this.#earlier?.keys() ?? []) {
      this.#earlier?.delete(topic);
      return;
    }
  }
}

/** A client names itself as far as its protocol permits. Long text is cut. */
export class Client {
  /** Its address; never an IPv4 address in its IPv6 form. Empty if the client was gone before it was known. */
  readonly address: string;
  /** Number of its connection, which no other one of this process has, before or after. */
  readonly serial = ++count;
  /** When it connected, in milliseconds since 1970. */
  readonly sinceMs = Date.now();
  /** The certificate with which it has proved who it is, in DER. */
  certificate: Uint8Array | undefined;
  /** Its connection is closed. */
  isGone = false;
  /** What it has written to and read from, without requests that were refused. */
  readonly writes = new RecentTopics();
  readonly reads = new RecentTopics();
  readonly #port: number;
  #id: string | undefined;
  #name: string | undefined;
  #version: string | undefined;
  #group: string | undefined;

  constructor(socket: ClientSocket) {
    // Kept, because a socket forgets it when it is reset, and the log may need it then.
    this.address = plainAddress(socket.remoteAddress ?? "");
    this.#port = socket.remotePort ?? 0;
  }

  /** Its address and port. */
  get endpoint(): string {
    return formatAddress(this.address, this.#port);
  }

  /** Name that an application gave its client. */
  get id(): string | undefined {
    return this.#id;
  }

  set id(text: string | undefined) {
    this.#id = shortened(text);
  }

  /** Name of the library. */
  get name(): string | undefined {
    return this.#name;
  }

  set name(text: string | undefined) {
    this.#name = shortened(text);
  }

  /** Version of the library. */
  get version(): string | undefined {
    return this.#version;
  }

  set version(text: string | undefined) {
    this.#version = shortened(text);
  }

  /** The group for which it works: as a member, or by committing offsets. */
  get group(): string | undefined {
    return this.#group;
  }

  set group(name: string | undefined) {
    if (name === undefined || name.length <= GROUP_NAME_BYTES_MAX) this.#group = name;
  }

  /** Name and version of the library: `franz-go 1.22.3`. */
  get software(): string | undefined {
    return this.#name === undefined ? undefined : `${this.#name} ${this.#version ?? ""}`.trim();
  }

  /** One line, safe to show: `127.0.0.1:50000 (client id "meter", franz-go 1.22.3)`. */
  get description(): string {
    const known = this.#id === undefined ? [] : [`client id "${this.#id}"`];
    if (this.software !== undefined) known.push(this.software);
    return known.length === 0 ? this.endpoint : `${this.endpoint} (${printable(known.join(", "))})`;
  }
}

/** A copy, because a part of a text keeps all of it in memory. */
function shortened(text: string | undefined): string | undefined {
  if (text === undefined || text.length <= CLIENT_TEXT_LENGTH_MAX) return text;
  return Buffer.from(text.slice(0, CLIENT_TEXT_LENGTH_MAX)).toString();
}
