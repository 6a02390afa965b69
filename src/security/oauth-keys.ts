// The keys that tokens are signed with: a JSON Web Key Set (RFC 7517) in a file or behind an URL, loaded with the first
// token, kept, and loaded again for a key that it does not have. While it can't be loaded, the keys that there were stay.
// Leaves to others: the tokens (oauth.ts).
import { open } from "node:fs/promises";
import type { CryptoKey, JSONWebKeySet, ProtectedHeaderParameters } from "jose";
import { reasonOf } from "../log/disk/disk.js";

/** Age at which keys are loaded again, in milliseconds: Kafka's sasl.oauthbearer.jwks.endpoint.refresh.ms. */
export const KEYS_REFRESH_MS = 3_600_000;

/**
 * Least time between two attempts to load them, in milliseconds. Anyone can name a key that does not exist in a token, and the
 * broker must not flood the server of the keys for it.
 */
const RELOAD_MS_MIN = 10_000;

/** Time for the server of the keys to answer, in milliseconds. */
const FETCH_MS_MAX = 5_000;

/** Longest key set, in bytes. Real ones have a few KiB. */
const KEY_SET_BYTES_MAX = 256 * 1024;

type FindKey = (header: ProtectedHeaderParameters) => Promise<CryptoKey>;

export interface OauthKeysContext {
  /** On the clock of `performance.now()`. */
  readonly now: () => number;
  report(line: string): void;
}

export class OauthKeys {
  readonly #source: string;
  readonly #url: URL | undefined;
  readonly #refreshMs: number;
  readonly #context: OauthKeysContext;
  #keys: FindKey | undefined;
  #loadedAtMs = Number.NEGATIVE_INFINITY;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | undefined;

  /** `source` is a path or an URL. Throws a RangeError for an URL that keeps the keys no secret from changes on the way. */
  constructor(source: string, context: OauthKeysContext) {
    this.#source = source;
    this.#url = urlOf(source);
    // A file costs nothing to read again, so a change of it is noticed soon.
    this.#refreshMs = this.#url === undefined ? RELOAD_MS_MIN : KEYS_REFRESH_MS;
    this.#context = context;
  }

  /** Finds the key of a token. Rejects if there is none. */
  async find(header: ProtectedHeaderParameters): Promise<CryptoKey> {
    if (this.#context.now() - this.#loadedAtMs >= this.#refreshMs) await this.#load();
    const before = this.#keys;
    if (before === undefined) throw new Error("the keys of --oauth-jwks have not been loaded");
    try {
      return await before(header);
    } catch (error) {
      await this.#load();
      if (this.#keys === before || this.#keys === undefined) throw error;
      return this.#keys(header);
    }
  }

  /** Loads the keys if they are in a file, so that a wrong path shows at the start. Rejects with a RangeError. */
  async check(): Promise<void> {
    if (this.#url !== undefined) return;
    try {
      await this.#replace();
    } catch (error) {
      throw new RangeError(`--oauth-jwks ${this.#source}: ${reasonOf(error)}`, { cause: error });
    }
  }

  /** Loads the keys unless that was tried just now. Never rejects. */
  async #load(): Promise<void> {
    if (this.#loading === undefined) {
      if (this.#context.now() - this.#triedAtMs < RELOAD_MS_MIN) return;
      this.#loading = this.#replace()
        .catch((error: unknown) => {
          const kept = this.#keys === undefined ? "no token is accepted" : "the old ones are used";
          this.#context.report(
            `the keys of --oauth-jwks ${this.#source} can't be loaded, so ${kept}: ${reasonOf(error)}`,
          );
        })
        .finally(() => {
          this.#loading = undefined;
        });
    }
    await this.#loading;
  }

  async #replace(): Promise<void> {
    this.#triedAtMs = this.#context.now();
    const bytes =
      this.#url === undefined ? await readShortFile(this.#source) : await fetchShort(this.#url);
    const { createLocalJWKSet } = await import("jose");
    const find = createLocalJWKSet(JSON.parse(new TextDecoder().decode(bytes)) as JSONWebKeySet);
    this.#keys = (header) => find({ ...header, alg: header.alg ?? "" });
    this.#loadedAtMs = this.#context.now();
  }
}

function urlOf(source: string): URL | undefined {
  if (!/^https?:/i.test(source)) return undefined;
  const url = URL.parse(source);
  if (url === null) throw new RangeError(`--oauth-jwks ${source} is not a URL`);
  const isLocal = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url.protocol === "https:" || isLocal) return url;
  throw new RangeError(
    `--oauth-jwks ${source}: use https, or anyone between it and the broker can add keys`,
  );
}

async function readShortFile(path: string): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const buffer = new Uint8Array(KEY_SET_BYTES_MAX + 1);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return checkedLength(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** A redirect is an error: it could lead to an address that is not protected. */
async function fetchShort(url: URL): Promise<Uint8Array> {
  const response = await fetch(url, {
    redirect: "error",
    signal: AbortSignal.timeout(FETCH_MS_MAX),
    headers: { accept: "application/json" },
  });
  if (!response.ok) throw new Error(`the server answers with status ${response.status}`);
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > KEY_SET_BYTES_MAX) break; // the rest is not read
    parts.push(part);
  }
  if (bytes > KEY_SET_BYTES_MAX) throw tooLong();
  return Buffer.concat(parts);
}

function checkedLength(bytes: Uint8Array): Uint8Array {
  if (bytes.length > KEY_SET_BYTES_MAX) throw tooLong();
  return bytes;
}

function tooLong(): Error {
  return new Error(`it has more than ${KEY_SET_BYTES_MAX} bytes`);
}
