// Fuzzes logins in both protocols: what a client may send before it has said who it is, while others log in and work.
// Leaves to others: the broker (test/broker/login-fuzz.test.ts, test/fuzz.ts), and requests of clients that need no login (fuzz-port.ts).
import { connect } from "../../src/client/client.js";
import type { SaslOptions } from "../../src/client/login.js";
import { KAFKA_APIS } from "../../src/protocol/kafka/apis.js";
import { encodeRequest } from "../../src/protocol/kafka/headers.js";
import { SaslAuthenticate, SaslHandshake } from "../../src/protocol/kafka/sasl.js";
import { Authenticate } from "../../src/protocol/native/authenticate.js";
import { ScramClient } from "../../src/security/scram.js";
import { KafkaClient } from "../support/kafka-client.js";
import { Random } from "../support/random.js";
import { RawClient } from "../support/raw-client.js";
import { bearerMessage } from "../support/tokens.js";
import { type GoodClient, type RoundsMs, worker } from "./good-client.js";
import { hostileInput, mutated, withExtreme } from "./hostile-input.js";
import { hostileKafka } from "./hostile-kafka.js";
import { concat } from "../support/bytes.js";

/** The user who can log in. */
export const USER = { username: "root", password: "s3cret" };

export interface LoginFuzzTarget {
  readonly port: number;
  /** A token that the broker accepts, of a user who may do everything. */
  readonly token?: string | undefined;
}

export interface LoginFuzzOptions {
  readonly cases: number;
  readonly seed: number;
  /** Connections at the same time. A failed login waits for seconds, so a long run needs many. */
  readonly atOnce: number;
  /** Called after each tenth of the cases. */
  readonly tenth?: (done: number) => void;
}

export interface LoginFuzzSummary {
  readonly logins: number;
  readonly loginsMs: RoundsMs;
}

const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] as const;

/** Rejects when a good client can't log in any more. Resolves when the broker has closed the connections of all cases. */
export async function fuzzLogins(
  target: LoginFuzzTarget,
  { cases, seed, atOnce, tenth }: LoginFuzzOptions,
): Promise<LoginFuzzSummary> {
  const good = goodLogins(target);
  let next = 0;
  const attack = async (): Promise<void> => {
    while (next < cases) {
      const number = next++;
      await oneCase(target, new Random(seed * 1_000_003 + number));
      if ((number + 1) % Math.ceil(cases / 10) === 0) tenth?.(number + 1);
    }
  };
  const attacks = Promise.all(Array.from({ length: atOnce }, attack));
  await Promise.race([attacks, good.failed]);
  await good.progress(2);
  await good.stop();
  return { logins: good.rounds, loginsMs: good.roundsMs };
}

/** Logs in over and over, in turns with each mechanism and protocol, and does one request. */
function goodLogins({ port, token }: LoginFuzzTarget): GoodClient {
  const ways: SaslOptions[] = [
    { ...USER, mechanism: "SCRAM-SHA-256" },
    { ...USER, mechanism: "SCRAM-SHA-512" },
    { ...USER, mechanism: "PLAIN" },
  ];
  if (token !== undefined) ways.push({ mechanism: "OAUTHBEARER", token });
  const round = async (number: number): Promise<void> => {
    const sasl = ways[number % ways.length]!;
    await using client = await connect({ broker: `127.0.0.1:${port}`, sasl, retries: 0 });
    await client.admin().listTopics();
    using kafka = await KafkaClient.connect(port);
    await kafka.call(SaslHandshake, 1, { mechanism: "PLAIN" });
    const authBytes = Buffer.from(`\0${USER.username}\0${USER.password}`);
    const { errorCode } = await kafka.call(SaslAuthenticate, 2, { authBytes });
    if (errorCode !== 0) throw new Error(`a good login fails with error ${errorCode}`);
    await kafka.call(KAFKA_APIS.ListGroups, 4, { statesFilter: [], typesFilter: [] });
  };
  return worker(round, async () => {});
}

async function oneCase({ port, token }: LoginFuzzTarget, random: Random): Promise<void> {
  using client = await RawClient.connect(port, { allowHalfOpen: true });
  const isKafka = random.chance(0.5);
  if (random.chance(0.2)) await halfLogin(client, random);
  const frames = Array.from({ length: 1 + random.below(5) }, () =>
    isKafka ? kafkaFrame(random, token) : nativeFrame(random, token),
  );
  const bytes = concat(frames);
  if (random.chance(0.3)) {
    for (let at = 0; at < bytes.length;) {
      const end = at + 1 + random.below(200);
      client.send(bytes.subarray(at, end));
      at = end;
    }
  } else client.send(bytes);
  if (random.chance(0.1)) return; // it leaves with a reset
  client.shutdown();
  await client.closed;
}

/** A challenge of the broker, answered wrongly: a login that is nearly one. */
async function halfLogin(client: RawClient, random: Random): Promise<void> {
  const mechanism = random.pick(["SCRAM-SHA-256", "SCRAM-SHA-512"] as const);
  const scram = new ScramClient(mechanism, random.pick([USER.username, "nobody"]), "wrong");
  client.send(Authenticate.encodeRequest(1, { mechanism, message: scram.first() }));
  const challenge = Authenticate.decodeResponse(await client.response(1));
  const proof = await scram.answer(challenge.message);
  const message = random.chance(0.5) ? proof : mutated(proof, random);
  client.send(Authenticate.encodeRequest(2, { mechanism: "", message }));
}

function nativeFrame(random: Random, token: string | undefined): Uint8Array {
  if (random.chance(0.2)) return hostileInput(random);
  const mechanism = mechanismOf(random);
  const message = messageOf(random, token);
  const frame = Authenticate.encodeRequest(1 + random.below(9), { mechanism, message });
  return spoilt(frame, random);
}

function kafkaFrame(random: Random, token: string | undefined): Uint8Array {
  if (random.chance(0.2)) return hostileKafka(random);
  const correlationId = random.below(9);
  if (random.chance(0.5)) {
    const header = { apiVersion: random.below(2), correlationId, clientId: "fuzz" };
    return spoilt(encodeRequest(SaslHandshake, header, { mechanism: mechanismOf(random) }), random);
  }
  const authBytes = messageOf(random, token);
  if (random.chance(0.2)) {
    // As after version 0 of the handshake: without a header.
    const raw = new Uint8Array(4 + authBytes.length);
    new DataView(raw.buffer).setUint32(0, authBytes.length);
    raw.set(authBytes, 4);
    return raw;
  }
  const header = { apiVersion: random.below(3), correlationId, clientId: "fuzz" };
  return spoilt(encodeRequest(SaslAuthenticate, header, { authBytes }), random);
}

function mechanismOf(random: Random): string {
  return random.chance(0.8)
    ? random.pick(MECHANISMS)
    : random.pick(["", "NTLM", "plain", "__proto__"]);
}

/** A message of some mechanism, mostly of another than the frame names. None is a login. */
function messageOf(random: Random, token: string | undefined): Uint8Array {
  const user = random.pick([USER.username, "nobody", "", "=2C", "\u0000", "ä".repeat(200)]);
  const valid = [
    Buffer.from(`\0${user}\0wrong`),
    Buffer.from(`n,,n=${user},r=${"x".repeat(random.below(60))}`),
    Buffer.from(`c=biws,r=${"x".repeat(40)},p=${Buffer.alloc(32).toString("base64")}`),
    bearerMessage("a.b.c"),
    Uint8Array.of(1),
    new Uint8Array(0),
    random.bytes(random.below(random.chance(0.1) ? 33_000 : 300)),
  ];
  if (token !== undefined) valid.push(bearerMessage(`${token.slice(0, -8)}${"A".repeat(8)}`));
  const message = random.pick(valid);
  return message.length > 0 && random.chance(0.4) ? mutated(message, random) : message;
}

function spoilt(frame: Uint8Array, random: Random): Uint8Array {
  if (random.chance(0.15)) return mutated(frame, random);
  return random.chance(0.15) ? withExtreme(frame, random) : frame;
}
