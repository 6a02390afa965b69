// Rounds of kill -9 while users, rules and quotas change: after each restart all acknowledged changes are there, and of the
// changes under way each is there or not. Leaves to others: records (crash-rounds.ts), and a machine that stops
// (test/security/security-file.test.ts).
import { join } from "node:path";
import { type Acl, type Admin, connect } from "../../src/index.js";
import { BrokerProcess } from "../support/binary.js";
import { Random } from "../support/random.js";
import { tempDir } from "../support/tmp.js";

const ADMIN = { username: "root", password: "s3cret" } as const;

/** Administrators that change something at the same time, each its own users. */
const STREAMS = 3;
const USERS_PER_STREAM = 4;

interface SecuritySummary {
  readonly rounds: number;
  readonly acknowledged: number;
  /** Changes that were under way when the broker was killed, and how many of them were made. */
  readonly underWay: number;
  readonly made: number;
}

/** What is known of a user. */
interface UserState {
  readonly password?: string;
  readonly hasRule: boolean;
  readonly quota?: number;
}

const NOBODY: UserState = { hasRule: false };

/** One administrator's users, as far as they are known, and its change under way. */
class Stream {
  readonly #random: Random;
  readonly names: readonly string[];
  readonly users = new Map<string, UserState>();
  pending: { readonly name: string; readonly after: UserState } | undefined;
  acknowledged = 0;

  constructor(number: number, random: Random) {
    this.#random = random;
    this.names = Array.from({ length: USERS_PER_STREAM }, (_, i) => `user-${number}-${i}`);
  }

  stateOf(name: string): UserState {
    return this.users.get(name) ?? NOBODY;
  }

  /** Makes changes until one fails, because the broker is gone. */
  async run(admin: Admin): Promise<void> {
    for (;;) {
      const name = this.#random.pick(this.names);
      const before = this.stateOf(name);
      const { after, make } = this.#choose(name, before, admin);
      this.pending = { name, after };
      try {
        await make();
      } catch {
        return;
      }
      this.users.set(name, after);
      this.pending = undefined;
      this.acknowledged++;
    }
  }

  #choose(
    name: string,
    before: UserState,
    admin: Admin,
  ): { readonly after: UserState; readonly make: () => Promise<unknown> } {
    const choice = this.#random.next();
    if (choice < 0.4) {
      const password = `p${this.#random.below(1_000_000)}`;
      const after = { ...before, password };
      return { after, make: () => admin.setPassword(name, password) };
    }
    if (choice < 0.6 && before.password !== undefined) {
      const { password: _, ...after } = before;
      return { after, make: () => admin.deleteUser(name) };
    }
    if (choice < 0.8) {
      const after = { ...before, hasRule: !before.hasRule };
      const change = after.hasRule ? { add: [ruleFor(name)] } : { delete: [ruleFor(name)] };
      return { after, make: () => admin.alterAcls(change) };
    }
    const quota = 1 + this.#random.below(1_000_000);
    const values = { producer_byte_rate: quota };
    return {
      after: { ...before, quota },
      make: () => admin.alterQuotas([{ entity: { user: name }, values }]),
    };
  }
}

function ruleFor(user: string): Acl {
  return {
    ...{ resourceType: "TOPIC", resourceName: user, patternType: "LITERAL" },
    ...{ principal: `User:${user}`, host: "*", operation: "READ", permissionType: "ALLOW" },
  };
}

/** Runs the rounds; throws an Error that says what was violated. */
export async function securityRounds(options: {
  readonly rounds: number;
  readonly seed: number;
  /** Longest time between a start and a kill, in milliseconds. */
  readonly loadMsMax: number;
  readonly onRound?: (round: number, acknowledged: number) => void;
}): Promise<SecuritySummary> {
  const random = new Random(options.seed);
  using directory = tempDir();
  const file = join(directory.path, "admin");
  await Bun.write(file, `${ADMIN.username}:${ADMIN.password}\n`);
  const streams = Array.from({ length: STREAMS }, (_, i) => new Stream(i, random));
  let underWay = 0;
  let made = 0;
  for (let round = 0; round <= options.rounds; round++) {
    await using broker = await BrokerProcess.start(
      join(directory.path, "data"),
      ...["--bootstrap-admin-file", file],
    );
    const clients = await Promise.all(
      streams.map(() => connect({ broker: broker.address, sasl: ADMIN, retries: 0 })),
    );
    try {
      const [first] = clients;
      const found = await statesIn(first!.admin());
      for (const stream of streams) {
        if (stream.pending !== undefined) underWay++;
        if (settle(stream, found)) made++;
      }
      for (const stream of streams) await logIn(broker.address, stream);
      if (round === options.rounds) break;
      const running = streams.map((stream, i) => stream.run(clients[i]!.admin()));
      await Bun.sleep(random.below(options.loadMsMax));
      await broker.end("SIGKILL");
      await Promise.all(running);
      options.onRound?.(round + 1, sumOf(streams));
    } finally {
      await Promise.allSettled(clients.map((client) => client.close()));
    }
  }
  return { rounds: options.rounds, acknowledged: sumOf(streams), underWay, made };
}

function sumOf(streams: readonly Stream[]): number {
  return streams.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
}

/** What the broker says of all users. */
async function statesIn(admin: Admin): Promise<ReadonlyMap<string, UserState>> {
  const found = new Map<string, UserState>();
  const change = (name: string, more: Partial<UserState>): void => {
    found.set(name, { ...(found.get(name) ?? NOBODY), ...more });
  };
  for (const { name } of await admin.listUsers()) change(name, { password: "" });
  for (const { principal } of await admin.listAcls({ resourceType: "TOPIC", operation: "READ" }))
    change(principal.slice("User:".length), { hasRule: true });
  for (const { entity, values } of await admin.listQuotas())
    change(entity.user ?? "", { quota: values.producer_byte_rate ?? 0 });
  return found;
}

/** Compares what is known with what there is. Returns whether the change under way was made. */
function settle(stream: Stream, found: ReadonlyMap<string, UserState>): boolean {
  const { pending } = stream;
  let isMade = false;
  for (const name of stream.names) {
    const actual = textOf(found.get(name) ?? NOBODY);
    const known = textOf(stream.stateOf(name));
    if (pending?.name === name && actual === textOf(pending.after)) {
      // Another password can't be seen here; the login tells.
      isMade = actual !== known;
      if (isMade) stream.users.set(name, pending.after);
    } else if (actual !== known) throw new Error(`${name}: expected ${known}, found ${actual}`);
  }
  return isMade;
}

function textOf({ password, hasRule, quota }: UserState): string {
  return JSON.stringify([password !== undefined, hasRule, quota ?? null]);
}

/** One user of each stream logs in: whose password was being changed, with the old one or the new one, or any. */
async function logIn(address: string, stream: Stream): Promise<void> {
  const { pending } = stream;
  stream.pending = undefined;
  const hasPassword = (each: string): boolean => stream.stateOf(each).password !== undefined;
  const name = [pending?.name ?? "", ...stream.names].find(hasPassword);
  if (name === undefined) return;
  const states = [stream.stateOf(name), ...(pending?.name === name ? [pending.after] : [])];
  for (const state of states) {
    const { password = "" } = state;
    const sasl = { username: name, password };
    const client = await connect({ broker: address, sasl, retries: 0 }).catch(() => undefined);
    if (client === undefined) continue;
    await client.close();
    stream.users.set(name, state);
    return;
  }
  throw new Error(`${name} can't log in with its last password`);
}
