// The caller of a connection to a broker with security: first nobody, after a login a user with what the rules permit.
// Decisions are remembered until the rules change: a produce or a fetch asks the same question thousands of times a second.
// Leaves to others: the decisions (authorizer.ts), and the login (sasl.ts).
import { RustLogError } from "../errors.js";
import type { Authorizer } from "./authorizer.js";
import type { Caller, CallerStatus, Login, Peer } from "./caller.js";
import { ANONYMOUS, type Identity, type LoginStep, type Principal } from "./identity.js";
import { type Operation, OPERATIONS, type ResourceType } from "./permission.js";
import type { SaslExchange, SaslMechanisms } from "./sasl.js";

/** Characters of the names that are remembered; a caller that asks about more begins again. Clients choose the names. */
const REMEMBERED_LENGTH_MAX = 256 * 1024;

/** What a name counts for besides its characters. */
const NAME_OVERHEAD = 16;

/** What a caller needs to know. */
export interface CallerContext {
  readonly authorizer: Authorizer;
  readonly mechanisms: SaslMechanisms;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Longest time that a login holds, in milliseconds; not above 0 for any. */
  loginMsMax?: number;
}

export class ConnectionCaller implements Caller, Login {
  readonly #peer: Peer;
  readonly #context: CallerContext;
  /** Whoever the connection itself proves. A login replaces it: its client has proved both. */
  readonly #proved: Identity | undefined;
  #identity: Identity | undefined;
  #exchange: SaslExchange | undefined;
  /** The same after its end. */
  #lastExchange: SaslExchange | undefined;
  /** A message is being checked, or was wrong. No other login may begin: one connection could guess many passwords. */
  #isStepping = false;
  #version = -1;
  /** Of all names in `#decisions`. */
  #rememberedLength = 0;
  /** Decisions by operation and type of the resource, then by its name. */
  readonly #decisions = new Map<string, Map<string, boolean>>();

  /** `identity` if the connection itself proves it. */
  constructor(peer: Peer, context: CallerContext, identity?: Identity) {
    this.#peer = peer;
    this.#context = context;
    this.#identity = identity;
    this.#proved = identity;
  }

  get host(): string {
    return this.#peer.address;
  }

  get isGone(): boolean {
    return this.#peer.isGone === true;
  }

  get principal(): Principal {
    return this.#identity?.principal ?? ANONYMOUS;
  }

  get status(): CallerStatus {
    const identity = this.#identity;
    if (identity === undefined) return "unknown";
    const { expiresAtMs } = identity;
    if (expiresAtMs !== undefined && expiresAtMs <= this.#context.now()) return "gone";
    return identity.isCurrent() ? "known" : "gone";
  }

  get login(): Login {
    return this;
  }

  get mechanisms(): readonly string[] {
    return [...this.#context.mechanisms.keys()];
  }

  get begun(): string | undefined {
    return this.#exchange?.mechanism;
  }

  get claimedUser(): string | undefined {
    return this.#lastExchange?.claimedUser;
  }

  get expiresAtMs(): number | undefined {
    return this.#identity?.expiresAtMs;
  }

  begin(mechanism: string): void {
    const begin = this.#context.mechanisms.get(mechanism);
    if (begin === undefined) {
      const known = this.mechanisms.join(", ");
      const message = `the mechanism '${mechanism.slice(0, 100)}' is not one of ${known}`;
      throw new RustLogError("UNSUPPORTED_SASL_MECHANISM", message);
    }
    if (this.#isStepping) throw new RustLogError("ILLEGAL_SASL_STATE", "a login is under way");
    this.#exchange = begin(this);
    this.#lastExchange = this.#exchange;
  }

  async step(message: Uint8Array): Promise<LoginStep> {
    const exchange = this.#exchange;
    if (exchange === undefined) {
      throw new RustLogError("ILLEGAL_SASL_STATE", "no login has begun");
    }
    // Taken, so that a client that does not wait for the answer can't use it twice.
    this.#exchange = undefined;
    this.#isStepping = true;
    // After a failure it stays set: the connection ends, but only when the failure is answered.
    const { bytes, identity: proved } = await exchange.step(message);
    const identity = proved && this.#limited(proved);
    if (identity === undefined) this.#exchange = exchange;
    else this.#become(identity);
    this.#isStepping = false;
    return identity === undefined ? { bytes } : { bytes, identity };
  }

  may(operation: Operation, resourceType: ResourceType, resourceName: string): boolean {
    const { authorizer } = this.#context;
    if (this.#version !== authorizer.version) {
      this.#forget();
      this.#version = authorizer.version;
    }
    const text = QUESTIONS[resourceType][operation];
    const known = this.#decisions.get(text)?.get(resourceName);
    if (known !== undefined) return known;
    const { principal, host } = this;
    const question = { principal, host, operation, resourceType, resourceName };
    const decision = authorizer.allows(question);
    this.#remember(text, resourceName, decision);
    return decision;
  }

  mayOnAny(operation: Operation, resourceType: ResourceType): boolean {
    const { principal, host } = this;
    return this.#context.authorizer.allowsOnAny({ principal, host, operation, resourceType });
  }

  /** The same user on another connection. */
  at(peer: Peer): ConnectionCaller {
    return new ConnectionCaller(peer, this.#context, this.#identity);
  }

  /** The identity with an end if logins have one. */
  #limited(identity: Identity): Identity {
    const { loginMsMax = 0, now } = this.#context;
    if (loginMsMax <= 0) return identity;
    const { expiresAtMs = Number.POSITIVE_INFINITY } = identity;
    return { ...identity, expiresAtMs: Math.min(expiresAtMs, now() + loginMsMax) };
  }

  /** Another user on the same connection could use what the first one has begun. */
  #become(identity: Identity): void {
    const before = this.#identity;
    if (
      before !== undefined &&
      before !== this.#proved &&
      before.principal !== identity.principal
    ) {
      throw new RustLogError(
        "ILLEGAL_SASL_STATE",
        `this connection belongs to ${before.principal}, and ${identity.principal} logs in on it`,
      );
    }
    this.#identity = identity;
    this.#version = -1;
  }

  #remember(question: string, name: string, decision: boolean): void {
    const length = name.length + NAME_OVERHEAD;
    if (length > REMEMBERED_LENGTH_MAX) return;
    if (this.#rememberedLength + length > REMEMBERED_LENGTH_MAX) this.#forget();
    this.#rememberedLength += length;
    const names = this.#decisions.get(question);
    if (names === undefined) this.#decisions.set(question, new Map([[name, decision]]));
    else names.set(name, decision);
  }

  #forget(): void {
    this.#decisions.clear();
    this.#rememberedLength = 0;
  }
}

/** A constant text for each kind of question, so that asking allocates nothing. */
const QUESTIONS: Readonly<Record<ResourceType, Readonly<Record<Operation, string>>>> = {
  TOPIC: questionsAbout("TOPIC"),
  GROUP: questionsAbout("GROUP"),
  CLUSTER: questionsAbout("CLUSTER"),
  TRANSACTIONAL_ID: questionsAbout("TRANSACTIONAL_ID"),
};

function questionsAbout(type: ResourceType): Readonly<Record<Operation, string>> {
  const operations = Object.keys(OPERATIONS) as Operation[];
  return Object.fromEntries(
    operations.map((operation) => [operation, `${operation} ${type}`]),
  ) as Record<Operation, string>;
}
