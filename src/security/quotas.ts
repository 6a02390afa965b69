// The quotas of a broker: which one applies to a client, and what it has left of it. Clients of the same quota and the same
// name share what there is.
// Leaves to others: the file (quotas-file.ts), and holding clients to it (services/throttle.ts, net/listener.ts).
import { clockMs } from "../clock.js";
import type { Disk } from "../log/disk/disk.js";
import { OneAtATime } from "../topics/one-at-a-time.js";
import { storeOrRestore } from "./private-file.js";
import { entityText, type Quota, type QuotaEntity, type QuotaKey } from "./quota.js";
import { readQuotasFile, writeQuotasFile } from "./quotas-file.js";
import { TokenBucket } from "./token-bucket.js";

/** Buckets kept. Client ids are the clients' choice, so there may be any number of them. */
const BUCKETS_MAX = 10_000;

/** Buckets looked at to find one that can go. */
const BUCKETS_LOOKED_AT = 16;

/** New values of quotas; an entity without any has no quota. */
type QuotaChange = readonly Quota[];

/** Whose bucket it is. */
interface Share {
  readonly rate: number;
  readonly user: string;
  readonly clientId: string;
}

export class Quotas {
  /** By the text of the entity. */
  #quotas = new Map<string, Quota>();
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #store: ((quotas: readonly Quota[]) => Promise<void>) | undefined;
  readonly #changing = new OneAtATime();
  readonly #nowMs: () => number;
  /** Whether there is any quota. A plain field, because each request asks. */
  areAny: boolean;
  #version = 1;
  /** Called after each change. */
  onChange: () => void = () => {};

  constructor(
    quotas: readonly Quota[] = [],
    store?: (quotas: readonly Quota[]) => Promise<void>,
    nowMs: () => number = clockMs,
  ) {
    for (const quota of quotas) this.#quotas.set(entityText(quota.entity), quota);
    this.areAny = this.#quotas.size > 0;
    this.#store = store;
    this.#nowMs = nowMs;
  }

  /** Reads quotas.json. Throws DATA_DIRECTORY_UNUSABLE. */
  static open(disk: Disk, directory: string): Quotas {
    const quotas = readQuotasFile(disk, directory);
    return new Quotas(quotas, (changed) => writeQuotasFile(disk, directory, changed));
  }

  /** Different after each change. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#quotas.size;
  }

  list(): Quota[] {
    return [...this.#quotas.values()];
  }

  find(entity: QuotaEntity): Quota | undefined {
    return this.#quotas.get(entityText(entity));
  }

  nowMs(): number {
    return this.#nowMs();
  }

  /**
   * Makes a change that `decide` chooses, knowing all earlier ones. It holds, and is durable, when this resolves. Rejects
   * with what `decide` throws and with the system's error; then nothing has changed.
   */
  change(decide: () => QuotaChange): Promise<void> {
    return this.#changing.run(async () => {
      const changed = new Map(this.#quotas);
      for (const quota of decide()) {
        const text = entityText(quota.entity);
        if (Object.keys(quota.values).length === 0) changed.delete(text);
        else changed.set(text, quota);
      }
      await storeOrRestore(this.#store, [...changed.values()], () => this.list());
      this.#quotas = changed;
      this.areAny = changed.size > 0;
      if (!this.areAny) this.#buckets.clear();
      this.#version++;
      this.onChange();
    });
  }

  /** What a client has left; undefined if it has no quota. An empty client id has only quotas of users. */
  bucketOf(key: QuotaKey, user: string, clientId: string): TokenBucket | undefined {
    const share = this.#shareOf(key, user, clientId);
    if (share === undefined) return undefined;
    return this.#bucket(`${key} ${JSON.stringify([share.user, share.clientId])}`, share.rate);
  }

  /** Counts a new connection from an address. Returns the rate that it exceeds; undefined if it may stay. */
  connectionFrom(ip: string): number | undefined {
    if (!this.areAny) return undefined;
    const key = "connection_creation_rate";
    const rate = this.#rateOf(key, { ip }) ?? this.#rateOf(key, { ip: null });
    if (rate === undefined) return undefined;
    const bucket = this.#bucket(`${key} ${ip}`, rate);
    const nowMs = this.#nowMs();
    if (bucket.waitMs(nowMs) > 0) return rate;
    bucket.take(1, nowMs);
    return undefined;
  }

  #rateOf(key: QuotaKey, entity: QuotaEntity): number | undefined {
    return this.#quotas.get(entityText(entity))?.values[key];
  }

  /** Kafka's order: the quota of both names, then of the user, then of the client id; a name before its default. */
  #shareOf(key: QuotaKey, user: string, clientId: string): Share | undefined {
    const hasId = clientId !== "";
    for (const named of [user, null]) {
      for (const id of hasId ? [clientId, null] : []) {
        const rate = this.#rateOf(key, { user: named, "client-id": id });
        if (rate !== undefined) return { rate, user, clientId };
      }
      const rate = this.#rateOf(key, { user: named });
      if (rate !== undefined) return { rate, user, clientId: "" };
    }
    if (!hasId) return undefined;
    const rate =
      this.#rateOf(key, { "client-id": clientId }) ?? this.#rateOf(key, { "client-id": null });
    return rate === undefined ? undefined : { rate, user: "", clientId };
  }

  #bucket(name: string, rate: number): TokenBucket {
    const known = this.#buckets.get(name);
    // With another rate, everyone begins again: who has waited for the old one need not go on.
    if (known?.rate === rate) return known;
    if (known === undefined && this.#buckets.size >= BUCKETS_MAX) this.#forgetOne();
    const bucket = new TokenBucket(rate, this.#nowMs());
    this.#buckets.set(name, bucket);
    return bucket;
  }

  /** Forgets the oldest bucket, or better one that is full, which forgets nothing. */
  #forgetOne(): void {
    const nowMs = this.#nowMs();
    let oldest: string | undefined;
    let lookedAt = 0;
    for (const [name, bucket] of this.#buckets) {
      oldest ??= name;
      if (!bucket.isFull(nowMs) && ++lookedAt < BUCKETS_LOOKED_AT) continue;
      if (bucket.isFull(nowMs)) oldest = name;
      break;
    }
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}
