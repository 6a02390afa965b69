// Signed tokens, and the keys to check them with. Leaves to others: expectations.
import { join } from "node:path";
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { startBroker, type TestBroker } from "./broker.js";
import { tempDir } from "./tmp.js";

type Claims = Readonly<Record<string, unknown>>;

export interface TokenIssuer {
  readonly keyId: string;
  /** The key set as JSON. */
  readonly jwks: string;
  /** A token that expires in an hour, unless the claims say otherwise. A claim that is undefined is left out. */
  token(claims?: Claims): Promise<string>;
}

export async function tokenIssuer(keyId = "k1", algorithm = "ES256"): Promise<TokenIssuer> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm);
  const jwk = { ...(await exportJWK(publicKey)), kid: keyId, use: "sig" };
  return {
    keyId,
    jwks: JSON.stringify({ keys: [jwk] }),
    token: (claims = {}) => signed(privateKey, algorithm, keyId, claims),
  };
}

function signed(key: CryptoKey, alg: string, kid: string, claims: Claims): Promise<string> {
  const exp = Date.now() / 1_000 + 3_600;
  const payload = JSON.parse(
    JSON.stringify({ sub: "ann", iss: "https://issuer", aud: "rustlog", exp, ...claims }),
  ) as JWTPayload;
  return new SignJWT(payload).setProtectedHeader({ alg, kid }).sign(key);
}

/** The client's message with a token. */
export function bearerMessage(token: string, header = "n,,"): Buffer {
  return Buffer.from(`${header}\x01auth=Bearer ${token}\x01\x01`);
}

/** A broker that takes the tokens of an issuer, and lets ann do everything with topics. */
export interface TokenBroker extends TestBroker {
  readonly issuer: TokenIssuer;
  /** Of files that the test may add; removed with the broker. */
  readonly directory: string;
}

export async function startTokenBroker(): Promise<TokenBroker> {
  const directory = tempDir();
  const issuer = await tokenIssuer();
  const jwks = join(directory.path, "jwks.json");
  await Bun.write(jwks, issuer.jwks);
  const oauth = { jwks, issuer: "https://issuer", audience: ["rustlog"] };
  const running = await startBroker({ oauth, flush: { kind: "never" } });
  await running.broker.context.security.change(() => ({
    aclsAdded: [
      {
        ...{ resourceType: "TOPIC", resourceName: "*", patternType: "LITERAL" },
        ...{ principal: "User:ann", host: "*", operation: "ALL", permissionType: "ALLOW" },
      },
    ],
  }));
  return {
    ...running,
    issuer,
    directory: directory.path,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      directory[Symbol.dispose]();
    },
  };
}
