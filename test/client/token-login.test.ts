// The client with tokens: it logs in, and again before a token expires.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { connect, type ConnectOptions } from "../../src/client/client.js";
import type { RustLogError } from "../../src/errors.js";
import { run } from "../cli/rustlog.js";
import { startTokenBroker, type TokenBroker, type TokenIssuer } from "../support/tokens.js";
import { until } from "../support/until.js";

let running: TokenBroker;
let issuer: TokenIssuer;

beforeAll(async () => {
  running = await startTokenBroker();
  ({ issuer } = running);
});

afterAll(() => running[Symbol.asyncDispose]());

function withToken(token: string | (() => Promise<string>), options: ConnectOptions = {}) {
  const sasl = { mechanism: "OAUTHBEARER", token } as const;
  return connect({ broker: running.broker.address, retries: 0, ...options, sasl });
}

test("a client logs in with a token, and is told that one is not accepted", async () => {
  await using client = await withToken(await issuer.token());
  expect(await client.producer().send("orders", { value: "x" })).toMatchObject({ offset: 0 });
  const failure = withToken(await issuer.token({ aud: "shop" }));
  expect(await failure.catch((error: RustLogError) => [error.code, error.message])).toEqual([
    "SASL_AUTHENTICATION_FAILED",
    "the broker has not accepted the token",
  ]);
  const broken = withToken(() => Promise.reject(new Error("no issuer")));
  expect(await broken.catch(String)).toBe("Error: no issuer");
});

test("a client logs in again before its token expires, while a request waits", async () => {
  let tokens = 0;
  const lost: string[] = [];
  const token = (): Promise<string> => {
    tokens++;
    // The second attempt finds no token, and the client tries again.
    if (tokens === 2) return Promise.reject(new Error("not now"));
    const ms = tokens === 1 ? 2_500 : 60_000;
    return issuer.token({ exp: (Date.now() + ms) / 1_000 });
  };
  await using client = await withToken(token, {
    onConnectionLost: ({ message }) => lost.push(message),
  });
  const expiresAtMs = Date.now() + 2_500;
  const producer = client.producer();
  const { offset } = await producer.send("waiting", { value: "first" });
  await using consumer = client.consumer({ topic: "waiting", offset: offset + 1 });
  const next = consumer.nextBatch();
  await until(() => Date.now() > expiresAtMs + 700);
  expect(tokens).toBeGreaterThanOrEqual(2);
  await producer.send("waiting", { value: "second" });
  expect(await next).toBeDefined();
  expect(tokens).toBe(3);
  expect(lost).toEqual([]);
});

test("a client whose token has expired takes a new one with the next connection", async () => {
  const tokens = [500, 60_000];
  const lost: string[] = [];
  const token = (): Promise<string> => {
    const ms = tokens.shift();
    if (ms === undefined) return Promise.reject(new Error("no more"));
    // A token that is nearly over can't be renewed in time.
    return issuer.token({ exp: (Date.now() + ms) / 1_000 });
  };
  await using client = await withToken(token, {
    retries: 10,
    onConnectionLost: ({ message }) => lost.push(message),
  });
  await client.admin().listTopics();
  await until(() => running.broker.connections === 0 || tokens.length === 0);
  await client.admin().listTopics();
  expect(tokens).toEqual([]);
});

test("the command line takes a token from a file", async () => {
  const file = join(running.directory, "token");
  await Bun.write(file, `${await issuer.token()}\n`);
  const args = ["topics", "list", "--broker", running.broker.address, "--token-file", file];
  const listed = await run(args);
  expect(listed.stdout).toContain("orders");
  expect(listed.stderr).toContain("others can read");
  const both = await run([...args, "--user", "ann"]);
  expect(both.stderr).toContain("two ways to log in");
  await Bun.write(file, "\n");
  expect((await run(args)).stderr).toContain("contains no token");
});
