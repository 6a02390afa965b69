import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { LoginChecks } from "../../src/security/login-checks.js";
import { Oauth, OauthExchange, type OauthOptions } from "../../src/security/oauth.js";
import { OauthKeys } from "../../src/security/oauth-keys.js";
import { tempDir } from "../support/tmp.js";
import { bearerMessage, type TokenIssuer, tokenIssuer } from "../support/tokens.js";

const directory = tempDir();
const JWKS = join(directory.path, "jwks.json");
const CONTEXT = { now: () => performance.now(), report: () => {} };
let issuer: TokenIssuer;

beforeAll(async () => {
  issuer = await tokenIssuer();
  await Bun.write(JWKS, issuer.jwks);
});

afterAll(() => directory[Symbol.dispose]());

function oauth(options: Partial<OauthOptions> = {}): Oauth {
  const others = { issuer: "https://issuer", audience: ["rustlog", "other"] };
  return new Oauth({ jwks: JWKS, ...others, ...options }, CONTEXT);
}

const nowSeconds = (): number => Date.now() / 1_000;

describe("a token", () => {
  test("names the user, and says until when the login holds", async () => {
    const exp = Math.floor(nowSeconds()) + 100;
    const identity = await oauth().verify(await issuer.token({ exp, aud: ["x", "other"] }));
    expect(identity).toMatchObject({ principal: "User:ann", expiresAtMs: exp * 1_000 });
    expect(identity.isCurrent()).toBe(true);
    const claimed = await oauth({ principalClaim: "client_id" }).verify(
      await issuer.token({ client_id: "meter" }),
    );
    expect(claimed.principal).toBe("User:meter");
  });

  test("may be signed with RSA", async () => {
    const rsa = await tokenIssuer("r1", "RS256");
    const path = join(directory.path, "rsa.json");
    await Bun.write(path, rsa.jwks);
    const { principal } = await oauth({ jwks: path }).verify(await rsa.token());
    expect(principal).toBe("User:ann");
  });

  test("that expired by our clock just now is good until it has by both clocks", async () => {
    const exp = nowSeconds() - 10;
    const { expiresAtMs = 0 } = await oauth().verify(await issuer.token({ exp }));
    expect(Math.round(expiresAtMs / 1_000)).toBe(Math.round(exp + 30));
  });

  test("of ever so long a life is good for a day", async () => {
    const { expiresAtMs = 0 } = await oauth().verify(await issuer.token({ exp: 1e300 }));
    expect(expiresAtMs).toBeLessThanOrEqual(Date.now() + 86_400_000);
  });

  const refused: Record<string, () => Promise<string> | string> = {
    "that has expired": () => issuer.token({ exp: nowSeconds() - 40 }),
    "that is not valid yet": () => issuer.token({ nbf: nowSeconds() + 100 }),
    "that never expires": () => issuer.token({ exp: undefined }),
    "of another issuer": () => issuer.token({ iss: "https://other" }),
    "without an issuer": () => issuer.token({ iss: undefined }),
    "for somebody else": () => issuer.token({ aud: "shop" }),
    "for nobody": () => issuer.token({ aud: undefined }),
    "without a name": () => issuer.token({ sub: undefined }),
    "with an empty name": () => issuer.token({ sub: "" }),
    "with a name that is too long": () => issuer.token({ sub: "x".repeat(250) }),
    "with a number for a name": () => issuer.token({ sub: 7 }),
    "that somebody else signed": async () => (await tokenIssuer()).token(),
    "that was changed": async () => {
      const [header, , signature] = (await issuer.token()).split(".");
      const claims = { sub: "root", iss: "https://issuer", aud: "rustlog", exp: 4e9 };
      return `${header}.${encoded(claims)}.${signature}`;
    },
    "that nobody signed": () => unsigned({ alg: "none" }),
    "signed with the public key as a secret": () => {
      const text = unsigned({ alg: "HS256", kid: issuer.keyId }).slice(0, -1);
      return `${text}.${createHmac("sha256", issuer.jwks).update(text).digest("base64url")}`;
    },
    "that is none": () => "a.b.c",
  };
  test.each(Object.keys(refused))("%s is refused", async (what) => {
    const token = await refused[what]!();
    expect(oauth().verify(token)).rejects.toThrow();
  });
});

function unsigned(header: object): string {
  const claims = { sub: "ann", iss: "https://issuer", aud: "rustlog", exp: 4e9 };
  return `${encoded(header)}.${encoded(claims)}.`;
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

function exchangeOf(accepted: Oauth): OauthExchange {
  return new OauthExchange(accepted, new LoginChecks(), { host: "", isGone: false });
}

describe("a login with OAUTHBEARER", () => {
  test("is complete after one message, with or without an authorization id and extensions", async () => {
    for (const header of ["n,,", "n,a=ann,"]) {
      const exchange = exchangeOf(oauth());
      const { bytes, identity } = await exchange.step(
        bearerMessage(await issuer.token(), `${header}\x01traceId=1`),
      );
      expect([bytes.length, identity?.principal]).toEqual([0, "User:ann"]);
    }
  });

  test("with a wrong token fails after the client has seen the status", async () => {
    const exchange = exchangeOf(oauth());
    const { bytes, identity } = await exchange.step(bearerMessage("a.b.c"));
    expect(JSON.parse(Buffer.from(bytes).toString())).toEqual({ status: "invalid_token" });
    expect(identity).toBeUndefined();
    // Neither the answer that RFC 7628 asks for nor a second token goes on.
    expect(exchange.step(Buffer.from("\x01"))).rejects.toThrow(`{"status":"invalid_token"}`);
    expect(exchange.step(bearerMessage(await issuer.token()))).rejects.toThrow("invalid_token");
  });

  test("as another user is refused", async () => {
    const exchange = exchangeOf(oauth());
    const message = bearerMessage(await issuer.token(), "n,a=root,");
    expect(exchange.step(message)).rejects.toThrow("Authentication failed");
  });

  test.each([
    "",
    "n,,",
    "n,,\x01\x01",
    "n,,\x01auth=Bearer \x01\x01",
    "n,,\x01auth=Basic x\x01\x01",
  ])("refuses the message %j", async (text) => {
    const exchange = exchangeOf(oauth());
    expect(exchange.step(Buffer.from(text))).rejects.toThrow("Authentication failed");
  });
});

describe("keys behind an URL", () => {
  const header = (kid: string) => ({ alg: "ES256", kid });

  test("are loaded with the first token, kept, and loaded again for a new key, but not often", async () => {
    let jwks = issuer.jwks;
    let requests = 0;
    using server = Bun.serve({
      port: 0,
      fetch: () => {
        requests++;
        return new Response(jwks);
      },
    });
    let nowMs = 0;
    const keys = new OauthKeys(`http://127.0.0.1:${server.port}/`, {
      ...CONTEXT,
      now: () => nowMs,
    });
    await keys.check();
    expect(requests).toBe(0);
    await Promise.all([keys.find(header("k1")), keys.find(header("k1"))]);
    expect(requests).toBe(1);
    jwks = (await tokenIssuer("k2")).jwks;
    expect(Promise.resolve(keys.find(header("k2")))).rejects.toThrow();
    expect(requests).toBe(1);
    nowMs += 10_000;
    await Promise.all([keys.find(header("k2")), keys.find(header("k2"))]);
    expect(requests).toBe(2);
    nowMs += 3_600_000;
    await keys.find(header("k2"));
    expect(requests).toBe(3);
  });

  test("that can't be loaded again stay, and the log says why", async () => {
    let answer = (): Response => new Response(issuer.jwks);
    using server = Bun.serve({ port: 0, fetch: () => answer() });
    let nowMs = 0;
    const lines: string[] = [];
    const keys = new OauthKeys(`http://localhost:${server.port}/`, {
      now: () => nowMs,
      report: (line) => lines.push(line),
    });
    await keys.find(header("k1"));
    const answers = {
      "status 500": () => new Response("", { status: 500 }),
      "more than 262144 bytes": () => new Response(" ".repeat(300_000)),
      JSON: () => new Response("no"),
      redirect: () => Response.redirect("/elsewhere"),
    };
    for (const [reason, each] of Object.entries(answers)) {
      answer = each;
      nowMs += 3_600_000;
      await keys.find(header("k1"));
      expect(lines.at(-1)).toContain("so the old ones are used");
      expect(lines.at(-1)?.toLowerCase()).toContain(reason.toLowerCase());
    }
    expect(lines.length).toBe(4);
  });

  test("have to be protected on the way", () => {
    expect(() => new OauthKeys("http://issuer.example/jwks", CONTEXT)).toThrow("use https");
  });
});

describe("keys in a file", () => {
  test("are read at the start, and again soon after a change", async () => {
    const path = join(directory.path, "changing.json");
    let nowMs = 0;
    const keys = new OauthKeys(path, { ...CONTEXT, now: () => nowMs });
    expect(keys.check()).rejects.toThrow(`--oauth-jwks ${path}`);
    await Bun.write(path, `{"keys":1}`);
    expect(keys.check()).rejects.toThrow("malformed");
    await Bun.write(path, issuer.jwks);
    await keys.check();
    await keys.find({ alg: "ES256", kid: "k1" });
    await Bun.write(path, (await tokenIssuer("k2")).jwks);
    nowMs += 10_000;
    await keys.find({ alg: "ES256", kid: "k2" });
  });
});
