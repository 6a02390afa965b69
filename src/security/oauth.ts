// OAUTHBEARER (RFC 7628), as Kafka has it: the client's message is a token (a signed JWT) of somebody whom the broker trusts,
// and the principal is one of its claims. A token that is not accepted is answered with a status, the client answers that with
// one byte, and only then the login has failed.
// Leaves to others: the keys (oauth-keys.ts), and JWTs themselves (jose).
import type { JWTPayload } from "jose";
import { USER_NAME_BYTES_MAX } from "../limits.js";
import { RustLogError } from "../errors.js";
import type { Identity, LoginStep } from "./identity.js";
import type { LoginChecks, LoginClient } from "./login-checks.js";
import { OauthKeys, type OauthKeysContext } from "./oauth-keys.js";
import { authenticationFailed, type SaslExchange } from "./sasl.js";

export const OAUTHBEARER = "OAUTHBEARER";

/** Which tokens are accepted. */
export interface OauthOptions {
  /** Path or URL of the keys of their issuer. */
  readonly jwks: string;
  /** Who must have issued them; anyone with one of the keys by default. */
  readonly issuer?: string | undefined;
  /** Whom they must be for: one of these. By default the audience is not checked. */
  readonly audience?: readonly string[] | undefined;
  /** The claim with the name of the user; "sub" by default. */
  readonly principalClaim?: string | undefined;
}

export const PRINCIPAL_CLAIM_DEFAULT = "sub";

/** Difference of the issuer's clock that is tolerated, in seconds: Kafka's sasl.oauthbearer.clock.skew.seconds. */
export const CLOCK_SKEW_SECONDS = 30;

/** A token may say that it never expires; its login then lasts for this long, in milliseconds. */
const LIFETIME_MS_MAX = 24 * 60 * 60_000;

/** Signatures with public keys only: with the others, a program that can check a token can also make one. */
const ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];

/** The answer to a token that is not accepted. It does not say why; the broker's log does. */
const REFUSAL = `{"status":"invalid_token"}`;

/** Separates the parts of a message; alone it is the answer to a refusal. */
const SEPARATOR = "\x01";

export class Oauth {
  readonly #options: OauthOptions;
  readonly #keys: OauthKeys;

  /** Throws a RangeError that names the flag to change. */
  constructor(options: OauthOptions, context: OauthKeysContext) {
    this.#options = options;
    this.#keys = new OauthKeys(options.jwks, context);
  }

  /** Rejects with a RangeError if the keys are in a file that is unusable. */
  check(): Promise<void> {
    return this.#keys.check();
  }

  /** Who has this token. Rejects if it is not accepted. `run` runs the check of the signature when it is the client's turn. */
  async verify(
    token: string,
    run: <T>(check: () => Promise<T>) => Promise<T> = (check) => check(),
  ): Promise<Identity> {
    const { principalClaim = PRINCIPAL_CLAIM_DEFAULT, issuer, audience } = this.#options;
    const { decodeProtectedHeader, jwtVerify } = await import("jose");
    const header = decodeProtectedHeader(token);
    if (!ALGORITHMS.includes(header.alg ?? "")) throw new Error("its algorithm is not accepted");
    const key = await this.#keys.find(header);
    const { payload } = await run(() =>
      jwtVerify(token, key, {
        algorithms: ALGORITHMS,
        requiredClaims: ["exp", principalClaim],
        clockTolerance: CLOCK_SKEW_SECONDS,
        ...(issuer !== undefined && { issuer }),
        ...(audience !== undefined && { audience: [...audience] }),
      }),
    );
    return {
      principal: `User:${nameIn(payload, principalClaim)}`,
      expiresAtMs: expiryOf(payload),
      isCurrent: () => true,
    };
  }
}

export class OauthExchange implements SaslExchange {
  readonly mechanism = OAUTHBEARER;
  readonly #oauth: Oauth;
  readonly #checks: LoginChecks;
  readonly #client: LoginClient;
  /** Why the token was not accepted. */
  #fault: unknown;

  constructor(oauth: Oauth, checks: LoginChecks, client: LoginClient) {
    this.#oauth = oauth;
    this.#checks = checks;
    this.#client = client;
  }

  async step(message: Uint8Array): Promise<LoginStep> {
    if (this.#fault !== undefined) {
      throw new RustLogError("SASL_AUTHENTICATION_FAILED", REFUSAL, { cause: this.#fault });
    }
    const parts = partsOf(message);
    if (parts === undefined)
      throw authenticationFailed(OAUTHBEARER, new Error("the message has not the form n,,auth=…"));
    let identity: Identity;
    try {
      identity = await this.#oauth.verify(parts.token, (check) =>
        this.#checks.run(this.#client, check),
      );
    } catch (error) {
      this.#fault = error;
      return { bytes: Buffer.from(REFUSAL) };
    }
    if (parts.authorizationId !== "" && `User:${parts.authorizationId}` !== identity.principal)
      throw authenticationFailed(OAUTHBEARER, new Error("the client wants to act as another user"));
    return { bytes: new Uint8Array(0), identity };
  }
}

/** The parts of a client's message; undefined if it is none. Extensions (KIP-342) are allowed and have no effect. */
function partsOf(
  message: Uint8Array,
): { readonly token: string; readonly authorizationId: string } | undefined {
  const parts = Buffer.from(message).toString().split(SEPARATOR);
  const header = /^n,(?:a=([^,]*))?,$/.exec(parts[0] ?? "");
  const pairs = parts.slice(1, -2);
  const isWhole = parts.at(-1) === "" && parts.at(-2) === "";
  if (header === null || !isWhole || !pairs.every((pair) => /^[A-Za-z]+=/.test(pair)))
    return undefined;
  const auth = pairs.find((pair) => pair.startsWith("auth="));
  const token = /^auth=bearer +([\x21-\x7e]+)$/i.exec(auth ?? "")?.[1];
  if (token === undefined) return undefined;
  const authorizationId = (header[1] ?? "").replaceAll("=2C", ",").replaceAll("=3D", "=");
  return { token, authorizationId };
}

function nameIn(payload: JWTPayload, claim: string): string {
  const name = payload[claim];
  if (typeof name !== "string" || name === "")
    throw new Error(`the claim '${claim}' is no text, or empty`);
  if (Buffer.byteLength(name) > USER_NAME_BYTES_MAX)
    throw new Error(`the claim '${claim}' has more than ${USER_NAME_BYTES_MAX} bytes`);
  return name;
}

/** A token that has expired by our clock, but not by that of its issuer, is good until it has by both. */
function expiryOf({ exp = 0 }: JWTPayload): number {
  const nowMs = Date.now();
  const expiresAtMs = Math.floor(exp * 1_000);
  const latestMs = expiresAtMs > nowMs ? expiresAtMs : expiresAtMs + CLOCK_SKEW_SECONDS * 1_000;
  return Math.min(latestMs, nowMs + LIFETIME_MS_MAX);
}
