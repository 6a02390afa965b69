// A bare socket client: sends any bytes, and returns response payloads by correlation id.
// Leaves to others: the meaning of the bytes. It splits frames itself, so that it can't share a bug with the broker's
// decoder.

/** A raw connection to a broker on this machine. */
export class RawClient {
  readonly #socket: Bun.Socket<undefined>;
  readonly #responses = new Map<number, Uint8Array>();
  readonly #waiting = new Map<number, PromiseWithResolvers<Uint8Array>>();
  #unsent: Uint8Array[] = [];
  #input = new Uint8Array(0);
  #closed = false;
  #ended = false;
  #closedBy!: () => void;
  /** Correlation ids in the order of the answers. */
  readonly order: number[] = [];
  /** Bytes received so far. */
  bytesReceived = 0;
  /** Resolves when either side has closed the connection. */
  readonly closed: Promise<void>;

  private constructor(socket: Bun.Socket<undefined>) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      this.#closedBy = resolve;
    });
  }

  /** Connects. `allowHalfOpen` keeps our side open after the broker has sent FIN. */
  static async connect(
    port: number,
    options: { allowHalfOpen?: boolean; hostname?: string; tls?: Bun.TLSOptions } = {},
  ): Promise<RawClient> {
    let client!: RawClient;
    await Bun.connect({
      hostname: options.hostname ?? "127.0.0.1",
      port,
      allowHalfOpen: options.allowHalfOpen ?? false,
      ...(options.tls === undefined ? {} : { tls: { rejectUnauthorized: true, ...options.tls } }),
      socket: {
        open(opened) {
          client = new RawClient(opened);
        },
        handshake: () => client.#pump(),
        data: (_, chunk) => client.#received(chunk),
        drain: () => client.#pump(),
        end: () => client.#atEnd(),
        close: () => client.#atEnd(true),
        error: () => {}, // `close` follows
      },
    });
    return client;
  }

  /** Whether the broker has ended its side. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Bytes that the socket has not taken yet. */
  get unsentBytes(): number {
    return this.#unsent.reduce((sum, bytes) => sum + bytes.length, 0);
  }

  /** Sends bytes, whole frames or not. */
  send(...parts: Uint8Array[]): this {
    this.#unsent.push(...parts.map((part) => part.slice()));
    this.#pump();
    return this;
  }

  /** The payload of the answer to a request. Rejects if the connection ends without it. */
  response(correlationId: number): Promise<Uint8Array> {
    const there = this.#responses.get(correlationId);
    if (there !== undefined) return Promise.resolve(there);
    if (this.#ended) return Promise.reject(lost(correlationId));
    const waiting = this.#waiting.get(correlationId) ?? Promise.withResolvers<Uint8Array>();
    this.#waiting.set(correlationId, waiting);
    return waiting.promise;
  }

  /** Whether a request has been answered. */
  has(correlationId: number): boolean {
    return this.#responses.has(correlationId);
  }

  /** Stops reading, like a busy or stuck client. */
  pause(): void {
    this.#socket.pause();
  }

  /** Reads again. */
  resume(): void {
    this.#socket.resume();
  }

  /** Sends FIN and continues to read. */
  shutdown(): void {
    this.#socket.shutdown();
  }

  /** Closes. */
  close(): void {
    this.#socket.end();
  }

  /** Closes with a reset. */
  terminate(): void {
    this.#socket.terminate();
  }

  /** Closes. */
  [Symbol.dispose](): void {
    if (!this.#closed) this.#socket.terminate();
  }

  #pump(): void {
    while (this.#unsent.length > 0) {
      const bytes = this.#unsent[0]!;
      const taken = this.#socket.write(bytes);
      if (taken < 0) this.#unsent = [];
      if (taken < bytes.length) {
        if (taken > 0) this.#unsent[0] = bytes.subarray(taken);
        return;
      }
      this.#unsent.shift();
    }
  }

  #received(chunk: Uint8Array): void {
    this.bytesReceived += chunk.length;
    const joined = new Uint8Array(this.#input.length + chunk.length);
    joined.set(this.#input);
    joined.set(chunk, this.#input.length);
    let at = 0;
    const view = new DataView(joined.buffer);
    while (joined.length - at >= 4 && joined.length - at - 4 >= view.getUint32(at)) {
      const end = at + 4 + view.getUint32(at);
      // The answer to a login without headers may be empty.
      if (end >= at + 8) this.#answered(view.getUint32(at + 4), joined.subarray(at + 4, end));
      at = end;
    }
    this.#input = joined.subarray(at);
  }

  #answered(correlationId: number, payload: Uint8Array): void {
    this.order.push(correlationId);
    this.#responses.set(correlationId, payload);
    this.#waiting.get(correlationId)?.resolve(payload);
    this.#waiting.delete(correlationId);
  }

  #atEnd(closed = false): void {
    this.#ended = true;
    this.#closed ||= closed;
    for (const [id, waiting] of this.#waiting) waiting.reject(lost(id));
    this.#waiting.clear();
    if (closed) this.#closedBy();
  }
}

function lost(correlationId: number): Error {
  return new Error(`the connection ended before request ${correlationId} was answered`);
}
