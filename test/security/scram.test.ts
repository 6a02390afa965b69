import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  credentialOf,
  isPassword,
  saltPassword,
  SCRAM_MECHANISMS,
  ScramClient,
  ScramError,
  ScramServer,
  type ScramCredential,
  type ScramMechanism,
} from "../../src/security/scram.js";
import { createCredential } from "../support/credentials.js";

async function login(
  mechanism: ScramMechanism,
  client: ScramClient,
  credential: ScramCredential,
): Promise<string> {
  const server = new ScramServer(mechanism);
  const { user } = server.read(client.first());
  const answer = await client.answer(server.challenge(credential));
  client.check(server.finish(answer));
  return user;
}

describe("SCRAM", () => {
  test("computes what RFC 7677 shows", async () => {
    const salt = Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64");
    const salted = await saltPassword("SCRAM-SHA-256", "pencil", salt, 4096);
    const { serverKey } = credentialOf("SCRAM-SHA-256", salted, salt, 4096);
    const { createHmac } = await import("node:crypto");
    const authMessage =
      "n=user,r=rOprNGfwEbeRWgbNEkqO," +
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096," +
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const signature = createHmac("sha256", serverKey).update(authMessage).digest("base64");
    expect(signature).toBe("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  });

  test.each(SCRAM_MECHANISMS)("lets a client with the right password in: %s", async (mechanism) => {
    for (const [user, password] of [
      ["ann", "s3cret"],
      ["a,b=c", "pässwörd ✓"],
      ["=2C", ","],
    ] as const) {
      const credential = await createCredential(mechanism, password);
      expect(await login(mechanism, new ScramClient(mechanism, user, password), credential)).toBe(
        user,
      );
      expect(await isPassword(mechanism, password, credential)).toBe(true);
      expect(await isPassword(mechanism, `${password}x`, credential)).toBe(false);
    }
  });

  test("lets an old librdkafka in, which repeats its nonce", async () => {
    const { createHash, createHmac } = await import("node:crypto");
    const mechanism = "SCRAM-SHA-256";
    const hmac = (key: Uint8Array, text: string) => createHmac("sha256", key).update(text).digest();
    for (const [password, repeats] of [
      ["s3cret", "abc"],
      ["s3cret", ""],
      ["wrong", "abc"],
    ] as const) {
      const server = new ScramServer(mechanism);
      server.read(Buffer.from("n,,n=ann,r=abc"));
      const credential = await createCredential(mechanism, "s3cret");
      const challenge = Buffer.from(server.challenge(credential)).toString();
      const [, nonce = ""] = /^r=([^,]+),/.exec(challenge) ?? [];
      const { salt, iterations } = credential;
      const salted = await saltPassword(mechanism, password, salt, iterations);
      const clientKey = hmac(salted, "Client Key");
      const withoutProof = `c=biws,r=${repeats}${nonce}`;
      const storedKey = createHash("sha256").update(clientKey).digest();
      const signature = hmac(storedKey, `n=ann,r=abc,${challenge},${withoutProof}`);
      const proof = Buffer.from(clientKey.map((byte, i) => byte ^ signature[i]!));
      const last = Buffer.from(`${withoutProof},p=${proof.toString("base64")}`);
      if (password === "wrong") expect(() => server.finish(last)).toThrow("the proof is wrong");
      else expect(`${Buffer.from(server.finish(last))}`).toStartWith("v=");
    }
  });

  test("refuses a wrong password, and the proof of another login", async () => {
    const credential = await createCredential("SCRAM-SHA-256", "right");
    const wrong = new ScramClient("SCRAM-SHA-256", "ann", "wrong");
    expect(login("SCRAM-SHA-256", wrong, credential)).rejects.toThrow("the proof is wrong");
    const client = new ScramClient("SCRAM-SHA-256", "ann", "right");
    const server = new ScramServer("SCRAM-SHA-256");
    server.read(client.first());
    const recorded = await client.answer(server.challenge(credential));
    const next = new ScramServer("SCRAM-SHA-256");
    next.read(client.first());
    next.challenge(credential);
    expect(() => next.finish(recorded)).toThrow(ScramError);
  });

  test("makes the server prove itself too", async () => {
    const mechanism = "SCRAM-SHA-256";
    const credential = await createCredential(mechanism, "right");
    const impostor = { ...credential, serverKey: new Uint8Array(32) };
    expect(login(mechanism, new ScramClient(mechanism, "ann", "right"), impostor)).rejects.toThrow(
      "the server has not proved",
    );
    const client = new ScramClient(mechanism, "ann", "right");
    const greedy = new ScramServer(mechanism);
    greedy.read(client.first());
    const challenge = greedy.challenge({ ...credential, iterations: 1_000_000 });
    expect(client.answer(challenge)).rejects.toThrow("1000000 iterations");
  });

  test.each([
    ["p=tls-unique,,n=ann,r=abc", "no SCRAM message"],
    ["n,,n=ann", "no SCRAM message"],
    ["n,,n=ann,r=", "no SCRAM message"],
    ["n,,n=a=b,r=abc", "not escaped"],
    ["n,a=bob,n=ann,r=abc", "another user"],
    ["", "no SCRAM message"],
  ])("refuses the first message %p", (message, why) => {
    const server = new ScramServer("SCRAM-SHA-256");
    expect(() => server.read(Buffer.from(message))).toThrow(why);
  });

  test("meets any bytes with a ScramError", async () => {
    const credential = await createCredential("SCRAM-SHA-256", "right");
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.string({ maxLength: 80 }).map((text) => new TextEncoder().encode(`n,,n=ann,r=${text}`)),
    );
    fc.assert(
      fc.property(bytes, bytes, (first, last) => {
        const server = new ScramServer("SCRAM-SHA-256");
        try {
          server.read(first);
          server.challenge(credential);
          server.finish(last);
          throw new Error("nobody proved anything");
        } catch (error) {
          if (!(error instanceof ScramError)) throw error;
        }
      }),
      { numRuns: 200 },
    );
  });
});
