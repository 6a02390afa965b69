// SCRAM: how a client proves that it knows a password without sending it, and a server that stores no password checks it
// (RFC 5802; with SHA-256 RFC 7677). The messages of both sides, and the arithmetic.
// Leaves to others: the users (users.ts), and carrying the messages (the protocols).
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto";

/** The mechanisms and their hash functions. */
export const SCRAM = { "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512" } as const;

export type ScramMechanism = keyof typeof SCRAM;

export const SCRAM_MECHANISMS = Object.keys(SCRAM) as ScramMechanism[];

/** Fewer would make a stolen file too easy to search; Kafka has the same minimum and default. */
export const ITERATIONS_MIN = 4096;

/** A client works for as many as the server says, so it accepts no more than Kafka's maximum. */
export const ITERATIONS_MAX = 16_384;

export const SALT_BYTES = 20;

/** Length of a nonce before its encoding, in bytes. */
const NONCE_BYTES = 24;

/** What a server stores: neither the password nor what a client needs instead of it follows from this. */
export interface ScramCredential {
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** What a client sends instead of a new password. */
export interface SaltedPassword {
  readonly mechanism: ScramMechanism;
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly saltedPassword: Uint8Array;
}

/** A new password, salted for a mechanism. */
export async function createSalted(
  mechanism: ScramMechanism,
  password: string,
  iterations = ITERATIONS_MIN,
): Promise<SaltedPassword> {
  const salt = randomBytes(SALT_BYTES);
  const saltedPassword = await saltPassword(mechanism, password, salt, iterations);
  return { mechanism, iterations, salt, saltedPassword };
}

/** The credential of a password that a client has salted already. */
export function credentialOf(
  mechanism: ScramMechanism,
  salted: Uint8Array,
  salt: Uint8Array,
  iterations: number,
): ScramCredential {
  const storedKey = hash(mechanism, hmac(mechanism, salted, "Client Key"));
  return { iterations, salt, storedKey, serverKey: hmac(mechanism, salted, "Server Key") };
}

/** Runs on another thread: it takes milliseconds. */
export function saltPassword(
  mechanism: ScramMechanism,
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<Uint8Array> {
  const name = SCRAM[mechanism];
  const bytes = name === "sha256" ? 32 : 64;
  return new Promise((resolve, reject) => {
    pbkdf2(password, salt, iterations, bytes, name, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

/** Whether a password is the one of a credential. */
export async function isPassword(
  mechanism: ScramMechanism,
  password: string,
  { salt, iterations, storedKey }: ScramCredential,
): Promise<boolean> {
  const salted = await saltPassword(mechanism, password, salt, iterations);
  const given = credentialOf(mechanism, salted, salt, iterations);
  return timingSafeEqual(given.storedKey, storedKey);
}

/** A message that breaks the rules, or a proof that is wrong. */
export class ScramError extends Error {}

/** The first message of a client. */
interface ClientFirst {
  readonly user: string;
  readonly authorizationId: string;
  readonly nonce: string;
  /** The beginning, which the last message repeats. */
  readonly gs2Header: string;
  /** All that follows it. */
  readonly bare: string;
}

/** The server's side of one login. */
export class ScramServer {
  readonly #mechanism: ScramMechanism;
  #first: ClientFirst | undefined;
  #credential: ScramCredential | undefined;
  #serverFirst = "";
  #nonce = "";

  constructor(mechanism: ScramMechanism) {
    this.#mechanism = mechanism;
  }

  /** Reads the first message, which says who the client wants to be. Throws a ScramError. */
  read(message: Uint8Array): { readonly user: string } {
    const first = parseClientFirst(textOf(message));
    if (first.authorizationId !== "" && first.authorizationId !== first.user)
      throw new ScramError("the client wants to act as another user");
    this.#first = first;
    return { user: first.user };
  }

  /** Answers it. For a user that does not exist the credential is made up, so that nobody learns that. */
  challenge(credential: ScramCredential): Uint8Array {
    if (this.#first === undefined) throw new ScramError("the first message is missing");
    this.#credential = credential;
    this.#nonce = this.#first.nonce + nonce();
    const salt = Buffer.from(credential.salt).toString("base64");
    this.#serverFirst = `r=${this.#nonce},s=${salt},i=${credential.iterations}`;
    return Buffer.from(this.#serverFirst);
  }

  /** Checks the proof in the last message. Returns the server's own proof. Throws a ScramError. */
  finish(message: Uint8Array): Uint8Array {
    const first = this.#first;
    const credential = this.#credential;
    if (first === undefined || credential === undefined)
      throw new ScramError("the first message is missing");
    const text = textOf(message);
    const end = text.lastIndexOf(",p=");
    const withoutProof = end < 0 ? text : text.slice(0, end);
    const [binding, repeated] = withoutProof.split(",");
    const expected = Buffer.from(first.gs2Header).toString("base64");
    // librdkafka before 2.6.1 puts its own nonce in front once more, and Kafka accepts that. The proof covers what was sent.
    const hasNonce = repeated?.startsWith("r=") && repeated.endsWith(this.#nonce);
    if (end < 0 || binding !== `c=${expected}` || !hasNonce)
      throw new ScramError("the last message does not belong to the first one");
    const proof = decodeBase64(text.slice(end + 3));
    const { storedKey, serverKey } = credential;
    if (proof.length !== storedKey.length) throw new ScramError("the proof has a wrong length");
    const authMessage = `${first.bare},${this.#serverFirst},${withoutProof}`;
    const clientKey = xor(proof, hmac(this.#mechanism, storedKey, authMessage));
    if (!timingSafeEqual(hash(this.#mechanism, clientKey), storedKey))
      throw new ScramError("the proof is wrong");
    const signature = hmac(this.#mechanism, serverKey, authMessage);
    return Buffer.from(`v=${Buffer.from(signature).toString("base64")}`);
  }
}

/** The client's side of one login. */
export class ScramClient {
  readonly #mechanism: ScramMechanism;
  readonly #password: string;
  readonly #nonce = nonce();
  readonly #bare: string;
  #serverSignature: Uint8Array | undefined;

  constructor(mechanism: ScramMechanism, user: string, password: string) {
    this.#mechanism = mechanism;
    this.#password = password;
    this.#bare = `n=${escapeName(user)},r=${this.#nonce}`;
  }

  first(): Uint8Array {
    return Buffer.from(`${GS2_HEADER}${this.#bare}`);
  }

  /** Answers the challenge. Throws a ScramError if the server does not keep to the rules. */
  async answer(challenge: Uint8Array): Promise<Uint8Array> {
    const serverFirst = textOf(challenge);
    const match = /^r=([^,]+),s=([^,]+),i=(\d{1,9})(?:,|$)/.exec(serverFirst);
    if (match === null) throw new ScramError("the challenge of the server is no SCRAM message");
    const [, serverNonce = "", salt = "", count = ""] = match;
    if (!serverNonce.startsWith(this.#nonce) || serverNonce.length === this.#nonce.length)
      throw new ScramError("the challenge of the server is for another login");
    const iterations = Number(count);
    if (iterations < ITERATIONS_MIN || iterations > ITERATIONS_MAX)
      throw new ScramError(
        `the server wants ${iterations} iterations; expected ${ITERATIONS_MIN} to ${ITERATIONS_MAX}`,
      );
    const mechanism = this.#mechanism;
    const saltBytes = decodeBase64(salt);
    const salted = await saltPassword(mechanism, this.#password, saltBytes, iterations);
    const { storedKey, serverKey } = credentialOf(mechanism, salted, saltBytes, iterations);
    const binding = Buffer.from(GS2_HEADER).toString("base64");
    const withoutProof = `c=${binding},r=${serverNonce}`;
    const authMessage = `${this.#bare},${serverFirst},${withoutProof}`;
    const signature = hmac(mechanism, storedKey, authMessage);
    const proof = xor(hmac(mechanism, salted, "Client Key"), signature);
    this.#serverSignature = hmac(mechanism, serverKey, authMessage);
    return Buffer.from(`${withoutProof},p=${Buffer.from(proof).toString("base64")}`);
  }

  /** Checks that the server knows the user too. Throws a ScramError. */
  check(last: Uint8Array): void {
    const text = textOf(last);
    const signature = text.startsWith("v=") ? decodeBase64(text.slice(2)) : new Uint8Array(0);
    const expected = this.#serverSignature;
    if (expected === undefined || signature.length !== expected.length)
      throw new ScramError("the server has not proved that it knows the user");
    if (!timingSafeEqual(signature, expected))
      throw new ScramError("the server has not proved that it knows the user");
  }
}

/** No channel binding, and no authorization id. */
const GS2_HEADER = "n,,";

function parseClientFirst(text: string): ClientFirst {
  const match = /^([ny],(?:a=([^,]*))?,)(n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)$/s.exec(text);
  if (match === null) throw new ScramError("the first message is no SCRAM message");
  const [, gs2Header = "", authorizationId = "", bare = "", name = "", clientNonce = ""] = match;
  return {
    ...{ gs2Header, bare, nonce: clientNonce },
    user: unescapeName(name),
    authorizationId: unescapeName(authorizationId),
  };
}

function escapeName(name: string): string {
  return name.replaceAll("=", "=3D").replaceAll(",", "=2C");
}

function unescapeName(name: string): string {
  if (/=(?!2C|3D)/.test(name)) throw new ScramError("the name of the user is not escaped");
  return name.replaceAll("=2C", ",").replaceAll("=3D", "=");
}

function nonce(): string {
  return randomBytes(NONCE_BYTES).toString("base64url");
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ScramError("the message is not UTF-8", { cause: error });
  }
}

function decodeBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text) throw new ScramError("the message is not base64");
  return bytes;
}

function hmac(mechanism: ScramMechanism, key: Uint8Array, text: string): Uint8Array {
  return createHmac(SCRAM[mechanism], key).update(text).digest();
}

function hash(mechanism: ScramMechanism, bytes: Uint8Array): Uint8Array {
  return createHash(SCRAM[mechanism]).update(bytes).digest();
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, i) => byte ^ b[i]!);
}
