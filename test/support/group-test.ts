// A classic group without a broker: requests of its members, the clock, and what it stores.
// Leaves to others: expectations.
import { RustLogError } from "../../src/errors.js";
import { ClassicGroup, type ClassicGroupContext } from "../../src/groups/classic/classic-group.js";
import type {
  JoinFailure,
  JoinRequest,
  JoinResult,
  MemberInGeneration,
  Protocol,
  SyncRequest,
  SyncResult,
} from "../../src/groups/classic/classic-requests.js";
import { GroupMemory } from "../../src/groups/group-memory.js";
import type { GroupRecord } from "../../src/groups/group-record.js";
import { PendingMembers } from "../../src/groups/classic/pending-members.js";
import { observerOf } from "./group-observer.js";
import { settle } from "./log-fixture.js";
import { ManualClock } from "./manual-clock.js";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A request that is answered now or later. */
export class Asked<T> {
  result: T | undefined;
  error: RustLogError | undefined;
  memberId = "";
  abandon: (() => void) | undefined;
  answers = 0;

  get isWaiting(): boolean {
    return this.answers === 0;
  }

  get failure(): string | undefined {
    return this.error?.code;
  }
}

export class AskedToJoin extends Asked<JoinResult> {
  readonly instanceId: string | null;

  constructor(instanceId: string | null) {
    super();
    this.instanceId = instanceId;
  }

  /** The member, once it has joined. */
  get member(): MemberInGeneration {
    const { memberId, instanceId } = this;
    return { memberId, instanceId, generation: this.result?.generation ?? -1 };
  }
}

export class GroupTest {
  readonly clock = new ManualClock();
  /** What was stored, the newest last. */
  readonly records: GroupRecord[] = [];
  /** What the observer was told. */
  readonly events: string[] = [];
  /** Whether the group need not stay in memory since the last JoinGroup. */
  isDropped = false;
  readonly memory = new GroupMemory();
  readonly pending = new PendingMembers(this.clock);
  group: ClassicGroup;
  readonly #context: ClassicGroupContext;
  #ids = 0;
  #failures = 0;

  constructor(options: Partial<ClassicGroupContext> = {}) {
    this.#context = {
      ...{ clock: this.clock, initialRebalanceDelayMs: 0, membersMax: 100 },
      newMemberId: (name) => `${name}-${++this.#ids}`,
      store: async (_, record) => {
        await settle();
        if (this.#failures-- > 0) throw new RustLogError("DISK_FULL", "no space");
        this.#failures = 0;
        this.records.push(record);
      },
      ...{ memory: this.memory, pending: this.pending, observer: observerOf(this.events) },
      emptied: () => {
        this.isDropped = true;
      },
      ...options,
    };
    this.group = new ClassicGroup("g", this.#context);
  }

  protocol(name: string, metadata = ""): Protocol {
    return { name, metadata: bytes(metadata) };
  }

  failNextStore(): void {
    this.#failures = 1;
  }

  async stored(): Promise<void> {
    for (let i = 0; i < 3; i++) await settle();
  }

  /** The group as a broker that starts now finds it. */
  restart(): void {
    this.group.close();
    this.group = new ClassicGroup("g", this.#context, this.records.at(-1));
  }

  /** Sends a JoinGroup of a member whose subscription is its name. */
  join(name: string, request: Partial<JoinRequest> = {}): AskedToJoin {
    const whole: JoinRequest = {
      ...{ memberId: "", instanceId: null, clientId: name, clientHost: "/127.0.0.1" },
      ...{ sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 30_000, protocolType: "consumer" },
      ...{ needsMemberId: true, maySkipAssignment: true },
      protocols: [this.protocol("range", name)],
      ...request,
    };
    this.isDropped = false;
    const asked = new AskedToJoin(whole.instanceId);
    asked.abandon = this.group.join(whole, (outcome) => {
      asked.answers++;
      if (outcome instanceof RustLogError) asked.error = outcome;
      else {
        asked.memberId = outcome.memberId;
        if ("error" in outcome) asked.error = (outcome as JoinFailure).error;
        else asked.result = outcome;
      }
    });
    return asked;
  }

  /** Joins as a client does: it comes back with the id that it was told. */
  joinWithId(name: string, request: Partial<JoinRequest> = {}): AskedToJoin {
    const first = this.join(name, request);
    if (first.failure !== "MEMBER_ID_REQUIRED") return first;
    const asked = this.join(name, { ...request, memberId: first.memberId });
    if (asked.isWaiting) asked.memberId = first.memberId;
    return asked;
  }

  sync(
    member: MemberInGeneration,
    assignments: Readonly<Record<string, string>> = {},
    request: Partial<SyncRequest> = {},
  ): Asked<SyncResult> {
    const asked = new Asked<SyncResult>();
    const whole: SyncRequest = {
      ...{ ...member, protocolType: null, protocol: null },
      assignments: Object.entries(assignments).map(([memberId, assignment]) => ({
        memberId,
        assignment: bytes(assignment),
      })),
      ...request,
    };
    asked.abandon = this.group.sync(whole, (outcome) => {
      asked.answers++;
      if (outcome instanceof RustLogError) asked.error = outcome;
      else asked.result = outcome;
    });
    return asked;
  }

  heartbeat(member: MemberInGeneration): string {
    return codeOf(() => this.group.heartbeat(member));
  }

  commit(member: MemberInGeneration): string {
    return codeOf(() => this.group.checkCommit(member));
  }

  leave(
    leaving: readonly { readonly memberId: string; readonly instanceId?: string }[],
  ): readonly string[] {
    return this.group
      .leave(leaving.map(({ memberId, instanceId = null }) => ({ memberId, instanceId })))
      .map((error) => error?.code ?? "ok");
  }

  /** Members with these names in a stable generation, each with the assignment `for NAME`; the first one leads. */
  async settle(
    names: readonly string[],
    requests: Readonly<Record<string, Partial<JoinRequest>>> = {},
  ): Promise<Readonly<Record<string, MemberInGeneration>>> {
    let asked: AskedToJoin[] = [];
    for (const name of names) {
      const next = this.joinWithId(name, requests[name]);
      // Everyone who is in joins again.
      const again = asked.map((each, i) =>
        this.join(names[i]!, { ...requests[names[i]!], memberId: each.memberId }),
      );
      asked = [...again, next];
    }
    const members = asked.map(({ member }) => member);
    const assignments = Object.fromEntries(
      members.map(({ memberId }, i) => [memberId, `for ${names[i]}`]),
    );
    for (const member of members) this.sync(member, assignments);
    await this.stored();
    return Object.fromEntries(names.map((name, i) => [name, members[i]!]));
  }
}

function codeOf(call: () => void): string {
  try {
    call();
    return "ok";
  } catch (error) {
    if (error instanceof RustLogError) return error.code;
    throw error;
  }
}
