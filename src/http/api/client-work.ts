// What clients work on, as far as a visitor may know it: the topics of their last requests, and their groups.
// Leaves to others: noting it (net/client.ts), and the rest of a connection (connections.ts).
import type { ClientConnection } from "../../broker/broker.js";
import { clockMs } from "../../clock.js";
import { Portions } from "../../log/event-loop.js";
import type { RecentTopics } from "../../net/client.js";
import type { ServiceContext } from "../../services/context.js";
import { mayOnGroup, mayOnTopic } from "../../services/permissions.js";
import type { ClientWork, TopicUse } from "../page/connections/connection-wire.js";

/** Time after which a request says nothing about what a client does now, in milliseconds. A fetch may wait for a minute. */
const RECENT_MS = 5 * 60_000;

/** Connections looked at per turn of the event loop. */
const PORTION = 1_000;

/** A name that the visitor may not know. It is told from none, because the client does work on something. */
const HIDDEN: TopicUse = { topic: null, others: [], more: 0 };

/** The work of clients, for one answer: permissions are asked once a name. */
export class ClientWorks {
  readonly #context: ServiceContext;
  readonly #groups: ReadonlyMap<string, string | undefined>;
  readonly #oldestMs = clockMs() - RECENT_MS;
  readonly #topics = new Map<string, string | null | undefined>();
  readonly #visibleGroups = new Map<string, boolean>();

  private constructor(context: ServiceContext, groups: ReadonlyMap<string, string | undefined>) {
    this.#context = context;
    this.#groups = groups;
  }

  static async of(
    context: ServiceContext,
    connections: Iterable<ClientConnection>,
  ): Promise<ClientWorks> {
    return new ClientWorks(context, await groupsByClient(connections));
  }

  of(connection: ClientConnection): ClientWork {
    const writes = this.#use(connection.client.writes);
    const reads = this.#use(connection.client.reads);
    return { writes, reads, group: this.#group(connection, reads !== null) };
  }

  #use(recent: RecentTopics): TopicUse | null {
    const names = recent.since(this.#oldestMs).map((topic) => this.#known(topic));
    const [topic, ...others] = names.filter((name) => typeof name === "string");
    if (topic !== undefined) return { topic, others, more: topic === names[0] ? recent.more : 0 };
    return names.includes(null) ? HIDDEN : null;
  }

  /** Null for a topic that the visitor may not know, and undefined for one that was deleted. */
  #known(topic: string): string | null | undefined {
    if (this.#topics.has(topic)) return this.#topics.get(topic);
    const context = this.#context;
    const isThere = (): boolean => context.registry.find(topic) !== undefined;
    const name = !mayOnTopic(context, "DESCRIBE", topic) ? null : isThere() ? topic : undefined;
    this.#topics.set(topic, name);
    return name;
  }

  #group(connection: ClientConnection, isReader: boolean): string | null {
    const { client } = connection;
    let { group } = client;
    // A member of Kafka's protocol reads on another connection than the one on which it is a member.
    if (group === undefined && client.id !== undefined && isReader)
      group = this.#groups.get(clientKey(connection));
    if (group === undefined) return null;
    let isVisible = this.#visibleGroups.get(group);
    if (isVisible === undefined) {
      isVisible = mayOnGroup(this.#context, "DESCRIBE", group);
      this.#visibleGroups.set(group, isVisible);
    }
    return isVisible ? group : null;
  }
}

/** The groups of members, by what all connections of a client have in common; undefined where that fits several groups. */
async function groupsByClient(
  connections: Iterable<ClientConnection>,
): Promise<ReadonlyMap<string, string | undefined>> {
  const groups = new Map<string, string | undefined>();
  const portions = new Portions(PORTION);
  for (const connection of connections) {
    const turn = portions.next();
    if (turn !== undefined) await turn;
    const { id, group } = connection.client;
    if (id === undefined || group === undefined || connection.isGone) continue;
    const key = clientKey(connection);
    groups.set(key, groups.has(key) && groups.get(key) !== group ? undefined : group);
  }
  return groups;
}

function clientKey({ client, user = "" }: ClientConnection): string {
  return `${client.address} ${user} ${client.id ?? ""}`;
}
