// The input of a connection: passes on complete frames, one at a time, while limits and turns permit, and pauses the
// socket while they do not.
// Leaves to others: what a frame means (dialect.ts), whose turn it is (turns.ts), and the limits (inflight.ts).
import { clockMs } from "../clock.js";
import { RustLogError } from "../errors.js";
import { joined, type Pieces } from "../record/bytes.js";
import { OPENING_BYTES, type Session } from "./dialect.js";
import { FRAME_LENGTH_BYTES, FrameDecoder } from "./frame.js";
import { GUEST_REQUEST_BYTES_MAX } from "./guests.js";
import type { InflightAccount } from "./inflight.js";
import type { Turn, Turns, TurnTaker } from "./turns.js";

export interface InputOwner {
  /** Whether the connection still accepts frames. */
  readonly takesFrames: boolean;
  /** Starts a session in the dialect of the first bytes; undefined if there are too few, or if the connection ends. */
  choose(opening: Uint8Array): Session | undefined;
  /** The client needs no login, or has logged in: its limits are those of all clients now. */
  becameKnown(): void;
  take(session: Session, payload: Pieces, nowMs: number): void;
  /** Refuses a request of `bytes` bytes by its header. */
  refuseTooLong(session: Session, header: Uint8Array, bytes: number, nowMs: number): void;
  tookFrames(nowMs: number): void;
  /** A turn was taken outside of `received`, so that other bytes are kept now. */
  tookTurn(): void;
  /** Time was spent on requests. */
  spent(ms: number, nowMs: number): void;
  /** The input is invalid; no more can be read from it. */
  fail(error: unknown): void;
}

interface InputContext {
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
  readonly #frameBytesMax: number;
  /** Until then it is a guest, whose input is limited. */
  #isKnown = false;
  /** Undefined until the first bytes have arrived. */
  #session: Session | undefined;
  #isPaused = false;
  /** It is paused only to give other connections a turn, not because too much is in flight. */
  #isWaitingForTurn = false;
  /** It is paused because the next request may not begin before those in flight are settled. */
  #isBusy = false;

  constructor(owner: InputOwner, context: InputContext) {
    const { socket, frameBytesMax, inflight, turns } = context;
    this.#owner = owner;
    this.#socket = socket;
    this.#frameBytesMax = frameBytesMax;
    this.#decoder = new FrameDecoder({
      frameBytesMax: Math.min(frameBytesMax, GUEST_REQUEST_BYTES_MAX),
    });
    this.#decoder.limitReason = " before a login";
    this.#inflight = inflight;
    this.#turns = turns;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /**
   * Whether the broker is why the input does not continue. What a client sends ahead of its own requests in flight, which
   * may wait for long, is not the broker's fault, nor what it sends beyond its quota.
   */
  get waitsForBroker(): boolean {
    return this.#isPaused && !this.#isBusy && !this.#inflight.isMuted;
  }

  /** Memory of the bytes received so far and not passed on. */
  get keptBytes(): number {
    return this.#decoder.keptBytes;
  }

  get isNextSmall(): boolean {
    return this.#session?.dialect.isSmall(this.#decoder) ?? true;
  }

  /** Takes a chunk from the socket. Returns whether a frame was passed on. */
  received(chunk: Uint8Array): boolean {
    this.#decoder.feed(chunk);
    return this.#isPaused ? false : this.#takeFrames();
  }

  /** Pauses the socket until `resumeReading`, because too much is in flight. */
  pauseReading(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#isWaitingForTurn = false;
    this.#socket.pause();
  }

  /** Resumes the socket if it is paused and the limits permit. */
  resumeReading(): void {
    // A connection that waits for its turn does not overtake the others.
    if (!this.#isPaused || this.#isWaitingForTurn || !this.#inflight.isBelowHalf) return;
    this.#resume();
    this.#owner.tookTurn();
  }

  takeTurn(turn: Turn): void {
    if (!this.#isPaused) return;
    const wasWaitingForTurn = this.#isWaitingForTurn;
    this.#isWaitingForTurn = false;
    // Paused only to give other connections a turn, so there is no backlog to drain first.
    if (this.#inflight.isBelowHalf || (wasWaitingForTurn && !this.#inflight.isOverLimit)) {
      this.#resume(turn);
      this.#owner.tookTurn();
    }
  }

  /** Resumes the socket regardless of limits, so that the end of the input is seen. */
  resumeToEnd(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  /** Drops everything received and not passed on. */
  clear(): void {
    this.#decoder.clear();
  }

  #resume(turn?: Turn): void {
    this.#isPaused = false;
    this.#takeFrames(turn); // the decoder holds frames from before the pause
    if (!this.#isPaused && this.#owner.takesFrames) this.#socket.resume();
  }

  /** Refuses a request that is too long before all of it has arrived. */
  #refuseTooLong(session: Session, nowMs: number): boolean {
    const header = this.#decoder.takeTooLong(session.dialect);
    if (header === undefined) return false;
    this.#owner.refuseTooLong(session, header, this.#decoder.nextBytes, nowMs);
    return true;
  }

  /** Lifts the limits on guests if the client is known. */
  #recognise(session: Session): void {
    if (!session.isKnown) return;
    this.#isKnown = true;
    this.#decoder.frameBytesMax = this.#frameBytesMax;
    this.#decoder.limitReason = "";
    this.#owner.becameKnown();
  }

  /** A guest that sends ahead more than one request is closed. */
  #limitGuest(): void {
    const { pendingBytes } = this.#decoder;
    if (pendingBytes > FRAME_LENGTH_BYTES + GUEST_REQUEST_BYTES_MAX) {
      const message = `${pendingBytes} bytes were sent ahead before a login`;
      this.#owner.fail(new RustLogError("INVALID_REQUEST", message));
    } else this.#decoder.trim();
  }

  /**
   * Whether no more may be read. A muted client that has sent nothing ahead is read: the end of its input is noticed then,
   * and what it sends pauses the socket.
   */
  #isOverLimit(): boolean {
    if (!this.#inflight.isMuted) return this.#inflight.isOverLimit;
    this.#decoder.trim();
    return this.#decoder.pendingBytes > 0;
  }

  #begin(): Session | undefined {
    this.#session = this.#owner.choose(this.#decoder.peek(OPENING_BYTES));
    return this.#session;
  }

  /** Passes on complete frames while limits and turns permit. Returns whether there were any. */
  #takeFrames(turn?: Turn): boolean {
    const session = this.#session ?? this.#begin();
    if (session === undefined) return false;
    const beganMs = clockMs();
    const endMs = turn?.endMs ?? beganMs + this.#turns.leftMs;
    let nowMs = beganMs;
    let taken = false;
    let isTurnOver = false;
    let isBusy = false;
    try {
      while (this.#owner.takesFrames && !this.#inflight.isOverLimit) {
        if (!this.#isKnown) this.#recognise(session);
        taken = this.#refuseTooLong(session, nowMs) || taken;
        if (!this.#decoder.hasNext()) break;
        isBusy = !session.mayTake(this.#decoder);
        if (isBusy) break;
        const isSmall = session.dialect.isSmall(this.#decoder);
        // One small request costs less than waiting for a turn.
        const isFirst = !taken && (isSmall || turn?.isBulk === true);
        isTurnOver = !isFirst && (nowMs > endMs || (!isSmall && !this.#turns.mayBeginBulk(turn)));
        if (isTurnOver) break;
        const payload = this.#decoder.nextInPieces();
        if (payload === undefined) break;
        taken = true;
        this.#owner.take(session, this.#isKnown ? payload : copied(payload), nowMs);
        nowMs = clockMs();
      }
    } catch (error) {
      this.#owner.fail(error);
    }
    if (!this.#isKnown) this.#limitGuest();
    this.#turns.spend(nowMs - beganMs);
    if (taken) {
      this.#owner.tookFrames(nowMs);
      this.#owner.spent(nowMs - beganMs, nowMs);
    }
    this.#isBusy = isBusy;
    const mustPause = this.#isOverLimit() || isTurnOver || isBusy;
    if (mustPause && !this.#isPaused && this.#owner.takesFrames) {
      this.#isPaused = true;
      this.#socket.pause();
      this.#isWaitingForTurn = isTurnOver && !this.#inflight.isOverLimit;
      if (this.#isWaitingForTurn) this.#turns.add(this);
    }
    return taken;
  }
}

/** A copy, so that the chunk that it came in, of up to 512 KiB, can go. */
function copied(payload: Pieces): Pieces {
  return [joined(payload).slice()];
}
