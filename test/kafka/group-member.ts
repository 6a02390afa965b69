// Members of groups as processes: one program a client (clients/README.md, "Members of groups"), whose lines go to a
// ledger. Leaves to others: what the lines must say (ledger.ts).
import { join } from "node:path";
import type { Ledger, LedgerMember, LedgerQuirks } from "./ledger.js";
import { GO_SHARED, goCommand, JAVA, javaCommand, pythonCommand } from "./table.js";

/** The session timeout of members of the classic protocol: the shortest that a broker accepts. */
export const SESSION_MS = 6_000;

/** How long a member may process a batch; librdkafka wants at least the session. */
export const MAX_POLL_MS = 7_000;

/** How often a member of the classic protocol asks whether the group rebalances. */
export const HEARTBEAT_MS = 500;

export interface MemberEntry {
  /** The command without its arguments; throws `NotInstalled`. */
  readonly command: () => Promise<string[]>;
  /** KIP-848 if "consumer": its session timeout is the broker's, 45 s. */
  readonly protocol: "classic" | "consumer";
  readonly quirks: LedgerQuirks;
}

function script(library: string): () => Promise<string[]> {
  return async () => [process.execPath, join(import.meta.dir, "member.ts"), library];
}

const java = (): Promise<string[]> => javaCommand(JAVA, "Member");
const confluent = (): Promise<string[]> => pythonCommand("confluent", "confluent_member");
const franz = (): Promise<string[]> => goCommand("franz-go-member", ...GO_SHARED);

/** All of them, by the name that `--clients` takes. */
export const MEMBERS: Readonly<Record<string, MemberEntry>> = {
  java: { command: java, protocol: "classic", quirks: {} },
  "java-consumer": { command: java, protocol: "consumer", quirks: {} },
  "franz-go": { command: franz, protocol: "classic", quirks: {} },
  "franz-go-consumer": { command: franz, protocol: "consumer", quirks: {} },
  confluent: { command: confluent, protocol: "classic", quirks: {} },
  "confluent-consumer": { command: confluent, protocol: "consumer", quirks: {} },
  "kafka-python": {
    command: () => pythonCommand("kafka_python", "kafka_python_member"),
    protocol: "classic",
    quirks: {},
  },
  aiokafka: { command: () => pythonCommand("aio", "aio_member"), protocol: "classic", quirks: {} },
  kafkajs: { command: script("kafkajs"), protocol: "classic", quirks: { isLateToStop: true } },
  platformatic: {
    command: script("platformatic"),
    protocol: "classic",
    quirks: { isLateToStop: true },
  },
  // Ours, over the native protocol, with the session timeout that it asks for.
  native: { command: script("native"), protocol: "classic", quirks: {} },
};

/** A running member. */
export class GroupMember implements LedgerMember {
  readonly name: string;
  readonly client: string;
  readonly quirks: LedgerQuirks;
  readonly protocol: MemberEntry["protocol"];
  readonly #child: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #ledger: Ledger;
  readonly #read: Promise<unknown>;
  readonly #ended: Promise<void>;
  #errors = "";
  /** It is to end, or has ended. */
  isLeaving = false;
  /** The last thing that it said. */
  last = "";
  hasJoined = false;

  constructor(
    ledger: Ledger,
    of: { readonly client: string; readonly name: string; readonly command: readonly string[] },
    args: readonly string[],
    heartbeatMs = HEARTBEAT_MS,
  ) {
    const entry = MEMBERS[of.client]!;
    this.client = of.client;
    this.name = of.name;
    this.quirks = entry.quirks;
    this.protocol = entry.protocol;
    this.#ledger = ledger;
    const times = [SESSION_MS, MAX_POLL_MS, heartbeatMs].map(String);
    const io = { stdin: "pipe", stdout: "pipe", stderr: "pipe" } as const;
    this.#child = Bun.spawn([...of.command, ...args, entry.protocol, ...times, of.name], io);
    this.#read = this.#readLines();
    void new Response(this.#child.stderr).text().then((text) => (this.#errors = text));
    this.#ended = this.#end();
  }

  async #readLines(): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of this.#child.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        this.#ledger.say(this, line);
        this.last = line.split("\t")[1] ?? "";
        if (this.last === "assigned") this.hasJoined = true;
      }
    }
  }

  async #end(): Promise<void> {
    await this.#child.exited;
    const at = Date.now();
    await this.#read;
    this.#ledger.end(this, at);
    if (!this.isLeaving) {
      const errors = this.#errors.trim().split("\n").slice(-3).join(" ").slice(-300);
      this.#ledger.countsOf(this).errors.push(`it ended by itself: ${errors}`);
    }
    this.isLeaving = true;
  }

  /** Resolves once the process has ended and everything that it said is in the ledger. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Asks it to leave the group and end. */
  leave(): void {
    this.isLeaving = true;
    this.#ledger.disturb(this, Date.now());
    this.#child.stdin.end();
  }

  kill(): void {
    this.isLeaving = true;
    this.#ledger.disturb(this, Date.now());
    this.#child.kill("SIGKILL");
  }

  /** Lets it process its next batch for that long. */
  pause(ms: number): void {
    this.#ledger.disturb(this, Date.now());
    this.#child.stdin.write(`pause ${ms}\n`);
    this.#child.stdin.flush();
  }

  /** Stops the process, with its heartbeats. */
  freeze(): void {
    this.#ledger.disturb(this, Date.now());
    this.#child.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child.kill("SIGCONT");
  }
}
