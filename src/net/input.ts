// What a connection has received and not handed on: it hands on whole frames, one after the other, as far as limits and
// turns let it, and pauses the socket when they don't.
// Leaves to others: what a frame means (dialect.ts), whose turn it is (turns.ts), and the limits (inflight.ts).
import { OPENING_BYTES, type Session } from "./dialect.ts";
import { FrameDecoder, type Payload } from "./frame.ts";
import type { InflightAccount } from "./inflight.ts";
import type { Turn, Turns, TurnTaker } from "./turns.ts";

/** The connection that the input belongs to. */
export interface InputOwner {
  /** Whether frames are still taken. */
  readonly takesFrames: boolean;
  /** Begins a dialect by the first bytes that came; undefined while they are too few, or if the connection ends. */
  choose(opening: Uint8Array): Session | undefined;
  /** Takes the payload of a frame. */
  take(session: Session, payload: Payload, nowMs: number): void;
  /** Refuses a frame of `bytes`, of which it gets the header. */
  refuseTooLong(session: Session, header: Uint8Array, bytes: number, nowMs: number): void;
  /** Is told that frames were taken. */
  tookFrames(nowMs: number): void;
  /** Is told that input makes no sense any more. */
  broke(error: unknown): void;
}

/** What is needed beside the connection. */
export interface InputContext {
  readonly socket: { pause(): void; resume(): void };
  readonly frameBytesMax: number;
  readonly inflight: InflightAccount;
  readonly turns: Turns;
}

export class Input implements TurnTaker {
  readonly #owner: InputOwner;
  readonly #socket: InputContext["socket"];
  readonly #decoder: FrameDecoder;
  readonly #inflight: InflightAccount;
  readonly #turns: Turns;
  /** Undefined until the first bytes have come. */
  #session: Session | undefined;
  /** The socket is not read. */
  #held = false;
  /** It is held for the turns of other connections, and not because too much is in flight. */
  #isForTurn = false;

  constructor(owner: InputOwner, context: InputContext) {
    const { socket, frameBytesMax, inflight, turns } = context;
    this.#owner = owner;
    this.#socket = socket;
    this.#decoder = new FrameDecoder({ frameBytesMax });
    this.#inflight = inflight;
    this.#turns = turns;
  }

  /** Whether the socket is not read at present. */
  get held(): boolean {
    return this.#held;
  }

  /** Bytes of memory that are kept for what came. */
  get keptBytes(): number {
    return this.#decoder.keptBytes;
  }

  get isNextSmall(): boolean {
    return this.#session?.dialect.isSmall(this.#decoder) ?? true;
  }

  /** Adds a chunk from the socket; returns whether a frame was handed on. */
  received(chunk: Uint8Array): boolean {
    this.#decoder.push(chunk);
    return this.#held ? false : this.#takeFrames();
  }

  /** Stops reading the socket until `readOn`, because too much is in flight. */
  hold(): void {
    if (this.#held) return;
    this.#held = true;
    this.#isForTurn = false;
    this.#socket.pause();
  }

  /** Reads the socket again, if it was not read and nothing speaks against it. */
  readOn(): void {
    // One that waits for a turn does not get ahead of the others.
    if (this.#held && !this.#isForTurn && this.#inflight.isRelieved) this.#goOn();
  }

  takeTurn(turn: Turn): void {
    if (!this.#held) return;
    const isForTurn = this.#isForTurn;
    this.#isForTurn = false;
    // For the turns of others alone there is no backlog to drain: what is in flight may wait for long.
    if (this.#inflight.isRelieved || (isForTurn && !this.#inflight.isOver)) this.#goOn(turn);
  }

  /** Reads on whatever is in flight, so that the end of the input is seen. */
  resume(): void {
    if (!this.#held) return;
    this.#held = false;
    this.#socket.resume();
  }

  /** Forgets what came. */
  clear(): void {
    this.#decoder.clear();
  }

  #goOn(turn?: Turn): void {
    this.#held = false;
    this.#takeFrames(turn); // what came before the pause is in the decoder
    if (!this.#held && this.#owner.takesFrames) this.#socket.resume();
  }

  /** A request that is too long is refused before the rest of it has come. */
  #refuseTooLong(session: Session, nowMs: number): boolean {
    const header = this.#decoder.takeTooLong(session.dialect);
    if (header === undefined) return false;
    this.#owner.refuseTooLong(session, header, this.#decoder.nextBytes, nowMs);
    return true;
  }

  #begin(): Session | undefined {
    this.#session = this.#owner.choose(this.#decoder.peek(OPENING_BYTES));
    return this.#session;
  }

  /** Hands on the whole frames that have come, as far as limits and turns let it; returns whether there were any. */
  #takeFrames(turn?: Turn): boolean {
    const session = this.#session ?? this.#begin();
    if (session === undefined) return false;
    const beganMs = performance.now();
    const endMs = turn?.endMs ?? beganMs + this.#turns.leftMs;
    let nowMs = beganMs;
    let taken = false;
    let isTurnOver = false;
    try {
      while (this.#owner.takesFrames && !this.#inflight.isOver) {
        taken = this.#refuseTooLong(session, nowMs) || taken;
        if (!this.#decoder.hasNext()) break;
        const isSmall = session.dialect.isSmall(this.#decoder);
        // One small request costs less than waiting for a turn.
        const isFirst = !taken && (isSmall || turn?.isBulk === true);
        isTurnOver = !isFirst && (nowMs > endMs || (!isSmall && !this.#turns.mayBeginBulk(turn)));
        if (isTurnOver) break;
        const payload = this.#decoder.nextInPieces();
        if (payload === undefined) break;
        taken = true;
        this.#owner.take(session, payload, nowMs);
        nowMs = performance.now();
      }
    } catch (error) {
      this.#owner.broke(error);
    }
    this.#turns.spend(nowMs - beganMs);
    if (taken) this.#owner.tookFrames(nowMs);
    if ((this.#inflight.isOver || isTurnOver) && !this.#held && this.#owner.takesFrames) {
      this.#held = true;
      this.#socket.pause();
      this.#isForTurn = !this.#inflight.isOver;
      if (this.#isForTurn) this.#turns.add(this);
    }
    return taken;
  }
}
