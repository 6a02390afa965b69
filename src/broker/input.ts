// What a connection has received and not handed on: it hands on whole frames, one after the other, as far as limits and
// turns let it, and pauses the socket when they don't.
// Leaves to others: what a frame means (connection.ts), whose turn it is (turns.ts), and the limits (inflight-*.ts).
import { FrameDecoder } from "../net/frame.ts";
import { REQUEST_HEADER_BYTES } from "../protocol/native/messages.ts";
import type { Tail } from "../record/bytes.ts";
import type { InflightAccount } from "./inflight-account.ts";
import { isSmallRequest, requestBytesMax } from "./request-size.ts";
import type { Turn, Turns, TurnTaker } from "./turns.ts";

/** The connection that the input belongs to. */
export interface InputOwner {
  /** Whether frames are still taken. */
  readonly takesFrames: boolean;
  /** Takes the payload of a frame. */
  take(payload: Uint8Array, tail: Tail, nowMs: number): void;
  /** Refuses a frame of `bytes`, of which it gets the envelope. */
  refuse(envelope: Uint8Array, bytes: number, nowMs: number): void;
  /** Is told that frames were taken. */
  tookFrames(nowMs: number): void;
  /** Is told that input makes no sense any more. */
  broke(error: unknown): void;
  pause(): void;
  resume(): void;
}

/** What is needed beside the connection. */
export interface InputContext {
  readonly frameBytesMax: number;
  readonly inflight: InflightAccount;
  readonly turns: Turns;
}

export class Input implements TurnTaker {
  readonly #owner: InputOwner;
  readonly #decoder: FrameDecoder;
  readonly #inflight: InflightAccount;
  readonly #turns: Turns;
  /** The socket is not read. */
  #held = false;
  /** It is held for the turns of other connections, and not because too much is in flight. */
  #isForTurn = false;

  constructor(owner: InputOwner, { frameBytesMax, inflight, turns }: InputContext) {
    this.#owner = owner;
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
    return isSmallRequest(this.#decoder.nextFirstByte, this.#decoder.nextBytes);
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
    this.#owner.pause();
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
    this.#owner.resume();
  }

  /** Forgets what came. */
  clear(): void {
    this.#decoder.clear();
  }

  #goOn(turn?: Turn): void {
    this.#held = false;
    this.#takeFrames(turn); // what came before the pause is in the decoder
    if (!this.#held && this.#owner.takesFrames) this.#owner.resume();
  }

  /** A request that is too long is refused before the rest of it has come. */
  #refuseTooLong(nowMs: number): boolean {
    const envelope = this.#decoder.takeTooLong(REQUEST_HEADER_BYTES, requestBytesMax);
    if (envelope === undefined) return false;
    this.#owner.refuse(envelope, this.#decoder.nextBytes, nowMs);
    return true;
  }

  /** Hands on the whole frames that have come, as far as limits and turns let it; returns whether there were any. */
  #takeFrames(turn?: Turn): boolean {
    const beganMs = performance.now();
    const endMs = turn?.endMs ?? beganMs + this.#turns.leftMs;
    let nowMs = beganMs;
    let taken = false;
    let isTurnOver = false;
    try {
      while (this.#owner.takesFrames && !this.#inflight.isOver) {
        taken = this.#refuseTooLong(nowMs) || taken;
        if (!this.#decoder.hasNext()) break;
        const isSmall = this.isNextSmall;
        // One small request costs less than waiting for a turn.
        const isFirst = !taken && (isSmall || turn?.isBulk === true);
        isTurnOver = !isFirst && (nowMs > endMs || (!isSmall && !this.#turns.mayBeginBulk(turn)));
        if (isTurnOver) break;
        const payload = this.#decoder.nextInPieces();
        if (payload === undefined) break;
        taken = true;
        this.#owner.take(payload, this.#decoder.tail, nowMs);
        nowMs = performance.now();
      }
    } catch (error) {
      this.#owner.broke(error);
    }
    this.#turns.spend(nowMs - beganMs);
    if (taken) this.#owner.tookFrames(nowMs);
    if ((this.#inflight.isOver || isTurnOver) && !this.#held && this.#owner.takesFrames) {
      this.#held = true;
      this.#owner.pause();
      this.#isForTurn = !this.#inflight.isOver;
      if (this.#isForTurn) this.#turns.add(this);
    }
    return taken;
  }
}
