// Members of one group in several languages, which come, leave, are too slow, frozen or killed, while the broker is killed
// and started again, and a ledger of all that they read: bun run test:members --seconds 60 --clients java,kafkajs --seed 7
// Leaves to others: the members (group-member.ts), and what they must have read (ledger.ts).
import { Admin, Producer } from "@platformatic/kafka";
import { parseArgs } from "node:util";
import { BrokerProcess, quietPort } from "../support/binary.js";
import { Random } from "../support/random.js";
import { tempDir } from "../support/tmp.js";
import { runBars } from "./group-bars.js";
import { GroupMember, MAX_POLL_MS, MEMBERS, SESSION_MS } from "./group-member.js";
import { NotInstalled } from "./install.js";
import { connectKafkajs } from "./kafkajs.js";
import { Ledger, type LoggedRecord } from "./ledger.js";

const { values: options } = parseArgs({
  options: {
    clients: { type: "string", default: Object.keys(MEMBERS).join(",") },
    rounds: { type: "string", default: "1" },
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
    broker: { type: "string" },
    bars: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
});

const PARTITIONS = 6;
const MEMBERS_MIN = 2;
const MEMBERS_MAX = 5;

/** Records a second, in batches of one partition. */
const BATCH = 10;
const BATCH_EVERY_MS = 25;

/** After the last member has come or gone, everything is read by then. A dead member of KIP-848 is noticed in 45 s. */
const DRAIN_MS = 70_000;

/** How many times something happened to the members of a client. */
interface Happened {
  joined: number;
  left: number;
  killed: number;
  paused: number;
  frozen: number;
}

const seed = Number(options.seed);
const seconds = Number(options.seconds);
const random = new Random(seed);
const names = options.clients.split(",").filter(Boolean);
const unknown = names.filter((name) => MEMBERS[name] === undefined);
if (unknown.length > 0) {
  console.error(
    `no such client: ${unknown.join(", ")} (there are ${Object.keys(MEMBERS).join(", ")})`,
  );
  process.exit(2);
}

if (options.bars) process.exit((await runBars(options.broker)) === 0 ? 0 : 1);

const commands = new Map<string, string[]>();
for (const name of names) {
  try {
    commands.set(name, await MEMBERS[name]!.command());
  } catch (error) {
    if (!(error instanceof NotInstalled)) throw error;
    console.log(`skip   ${name}: ${error.message}`);
  }
}
let failures = 0;
for (let round = 1; round <= Number(options.rounds); round++) await runRound(round);
console.log(
  failures === 0 ? "ok" : `${failures} rounds FAILED: --seed ${seed} --seconds ${seconds}`,
);
process.exit(failures === 0 ? 0 : 1);

async function runRound(round: number): Promise<void> {
  using directory = tempDir();
  const port = `${quietPort()}`;
  const startBroker = (): Promise<BrokerProcess> =>
    BrokerProcess.start(directory.path, "--port", port);
  let own = options.broker === undefined ? await startBroker() : undefined;
  const broker = options.broker ?? own?.address ?? "";
  const topic = `ledger-${process.pid}-${round}`;
  const group = `group-${process.pid}-${round}`;
  const ledger = new Ledger();
  const happened = new Map<string, Happened>();
  const all: GroupMember[] = [];
  const problems: string[] = [];
  const trace = (text: string): void => {
    if (options.verbose) console.log(`${Date.now()} ${text}`);
  };
  const of = (client: string): Happened => {
    const known = happened.get(client) ?? { joined: 0, left: 0, killed: 0, paused: 0, frozen: 0 };
    happened.set(client, known);
    return known;
  };
  const admin = await connectKafkajs(broker);
  await admin.create(topic, PARTITIONS);
  await admin.close();
  const producer = produce(broker, topic);
  // Each client once, before one comes twice.
  let waiting: string[] = [];
  const join = (): void => {
    if (waiting.length === 0) waiting = [...commands.keys()];
    const [client = ""] = waiting.splice(random.below(waiting.length), 1);
    of(client).joined++;
    const name = `${client}-${all.length}`;
    trace(`join ${name}`);
    const command = commands.get(client)!;
    all.push(new GroupMember(ledger, { client, name, command }, [broker, group, topic]));
  };
  const alive = (): GroupMember[] => all.filter((member) => !member.isLeaving);
  let brokerKills = 0;
  let frozen: GroupMember | undefined;
  const thaws: Promise<void>[] = [];
  const act = async (left: number): Promise<void> => {
    // Whoever has not joined yet has nothing to lose.
    const settled = alive().filter((member) => member.hasJoined && member !== frozen);
    const victim = settled.length === 0 ? undefined : random.pick(settled);
    const choice = random.next();
    if (alive().length < MEMBERS_MIN || (choice < 0.3 && alive().length < MEMBERS_MAX))
      return join();
    if (victim === undefined) return;
    if (choice < 0.5 && alive().length > MEMBERS_MIN) {
      trace(`leave ${victim.name}`);
      of(victim.client).left++;
      victim.leave();
    } else if (choice < 0.7 && alive().length > MEMBERS_MIN) {
      // A dead member of KIP-848 holds up a short run for the 45 s of its session.
      if (victim.protocol === "consumer" && seconds < 50) return;
      trace(`kill ${victim.name}`);
      of(victim.client).killed++;
      victim.kill();
    } else if (choice < 0.8 && left > MAX_POLL_MS) {
      trace(`pause ${victim.name}`);
      of(victim.client).paused++;
      victim.pause(MAX_POLL_MS + 1_500);
    } else if (choice < 0.93) {
      if (frozen !== undefined) return;
      trace(`freeze ${victim.name}`);
      of(victim.client).frozen++;
      frozen = victim;
      victim.freeze();
      thaws.push(
        Bun.sleep(SESSION_MS + 1_500).then(() => {
          trace(`thaw ${victim.name}`);
          victim.thaw();
          frozen = undefined;
        }),
      );
    } else if (own !== undefined) {
      trace("kill the broker");
      brokerKills++;
      await own.end("SIGKILL");
      own = await startBroker();
      trace("the broker is back");
    }
  };
  const deadline = Date.now() + seconds * 1_000;
  for (let i = 0; i < 3; i++) join();
  while (Date.now() < deadline) {
    await Bun.sleep(500 + random.below(1_500));
    await act(deadline - Date.now());
  }
  await Promise.all(thaws);
  const log = await producer.finish();
  trace(`drain: ${ledger.size} of ${log.length} records`);
  const drainEnd = Date.now() + DRAIN_MS;
  while (ledger.size < log.length && Date.now() < drainEnd) await Bun.sleep(50);
  const admin2 = new Admin({
    clientId: "groups",
    bootstrapBrokers: [broker],
    retries: 10,
    retryDelay: 100,
  });
  // The last commits follow what was read.
  await settle(`the group has read ${ledger.size} of ${log.length} records`, 15_000, async () => {
    const found = await committed(admin2, group, topic);
    const ends = endsOf(log);
    const lag = ends.map((end, partition) => end - (found[partition] ?? 0));
    return lag.every((n) => n === 0) ? undefined : `the lag of its partitions is ${lag}`;
  });
  const state = async (expected: string): Promise<string | undefined> => {
    const found = (await admin2.listGroups({ types: ["classic", "consumer"] })).get(group)?.state;
    return found?.toLowerCase() === expected ? undefined : `its state is ${found}`;
  };
  await settle("at the end", 15_000, () => state("stable"));
  for (const member of alive()) member.leave();
  const slow = Bun.sleep(15_000).then(() => true);
  for (const member of all) {
    if ((await Promise.race([member.ended, slow])) === true) {
      problems.push(`${member.name} does not end; it last said ${member.last}`);
      member.kill();
    }
    await member.ended;
  }
  await settle("when all have left", 10_000, () => state("empty"));
  await admin2.close();
  await own?.end("SIGTERM");

  async function settle(
    when: string,
    ms: number,
    problem: () => Promise<string | undefined>,
  ): Promise<void> {
    const end = Date.now() + ms;
    for (;;) {
      const found = await problem();
      if (found === undefined) return;
      if (Date.now() > end) {
        problems.push(`${when}, ${found}`);
        return;
      }
      await Bun.sleep(100);
    }
  }

  const result = ledger.check(log);
  problems.push(...result.problems);
  for (const [client, { joined, left, killed, paused, frozen: stopped }] of happened) {
    const sum = { got: 0, commits: 0, refused: 0 };
    const errors = new Map<string, number>();
    for (const member of all.filter((one) => one.client === client)) {
      const counts = ledger.countsOf(member);
      sum.got += counts.got;
      sum.commits += counts.commits;
      sum.refused += counts.refused;
      for (const error of counts.errors) errors.set(error, (errors.get(error) ?? 0) + 1);
      for (const error of counts.errors) {
        if (error.startsWith("it ended by itself")) problems.push(`${member.name}: ${error}`);
      }
    }
    console.log(
      `       ${client}: ${joined} joined, ${left} left, ${killed} killed, ${paused} too slow, ${stopped} frozen; ` +
        `${sum.got} records, ${sum.commits} commits, ${sum.refused} refused`,
    );
    if (!options.verbose) continue;
    for (const [error, count] of errors) console.log(`         ${count} x ${error.slice(0, 300)}`);
  }
  const ok = problems.length === 0;
  if (!ok) failures++;
  console.log(
    `${ok ? "ok    " : "FAILED"} round ${round}, seed ${seed}: ${log.length} records, ${result.duplicates} read again, ` +
      `${result.lateReads} read late, ${brokerKills} kills of the broker`,
  );
  for (const problem of problems) console.log(`         ${problem}`);
}

function endsOf(log: readonly LoggedRecord[]): number[] {
  return Array.from({ length: PARTITIONS }, (_, partition) =>
    log.reduce(
      (end, one) => (one.partition === partition ? Math.max(end, one.offset + 1) : end),
      0,
    ),
  );
}

async function committed(admin: Admin, group: string, topic: string): Promise<number[]> {
  const partitions = Array.from({ length: PARTITIONS }, (_, i) => i);
  const groups = await admin.listConsumerGroupOffsets({
    groups: [{ groupId: group, topics: [{ name: topic, partitionIndexes: partitions }] }],
  });
  const found: number[] = [];
  for (const { partitions: ones } of groups[0]?.topics ?? []) {
    for (const { partitionIndex, committedOffset } of ones) {
      found[partitionIndex] = Number(committedOffset);
    }
  }
  return found;
}

/** Writes numbered records, with acknowledgements, until `finish`, which resolves with the log as its clients see it. */
function produce(broker: string, topic: string): { finish(): Promise<readonly LoggedRecord[]> } {
  const producer = new Producer({
    ...{ clientId: "numbers", bootstrapBrokers: [broker], retries: 100, retryDelay: 100 },
  });
  let isOver = false;
  const acked: LoggedRecord[] = [];
  const run = async (): Promise<void> => {
    for (let next = 0; !isOver;) {
      const partition = Math.floor(next / BATCH) % PARTITIONS;
      const values = Array.from({ length: BATCH }, (_, i) => `${next + i}`);
      const messages = values.map((value) => ({ topic, partition, value: Buffer.from(value) }));
      try {
        const { offsets } = await producer.send({ messages, acks: -1 });
        const first = Number(offsets?.[0]?.offset);
        for (const [i, value] of values.entries())
          acked.push({ partition, offset: first + i, value });
        next += BATCH;
      } catch {
        // Sent again: the log may hold them twice then.
      }
      await Bun.sleep(BATCH_EVERY_MS);
    }
  };
  const running = run();
  return {
    finish: async () => {
      isOver = true;
      await running;
      await producer.close();
      const reader = await connectKafkajs(broker);
      const log: LoggedRecord[] = [];
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const end = await reader.offset(topic, partition, "latest");
        for (const { offset, value } of await reader.consume(topic, partition, 0, end)) {
          log.push({ partition, offset, value: `${value}` });
        }
      }
      await reader.close();
      const byPlace = new Map(log.map((one) => [`${one.partition}:${one.offset}`, one.value]));
      for (const { partition, offset, value } of acked) {
        const found = byPlace.get(`${partition}:${offset}`);
        if (found === value) continue;
        throw new Error(
          `record ${offset} of partition ${partition} is ${found} instead of ${value}`,
        );
      }
      return log;
    },
  };
}
