// The client connections as shown on the page: who is at the other end of each, what it uses and since when; the first in an
// order, such as those with the most traffic, or sums of those with something in common. And closing one.
// Leaves to others: the rates (connection-rates.ts), what clients work on (client-work.ts), closing
// (services/close-connection.ts), and counting the connections for monitoring (metrics-text.ts).
import { checkNotCancelled } from "../../cancelled.js";
import type { Broker, ClientConnection } from "../../broker/broker.js";
import { Portions } from "../../log/event-loop.js";
import { printable } from "../../printable.js";
import { closeConnection } from "../../services/close-connection.js";
import { requireOnCluster } from "../../services/permissions.js";
import type {
  BusiestClient,
  ClientField,
  ClientGroup,
  ClientSum,
  ClientWork,
  CloseOrder,
  ConnectionsState,
  ConnectionState,
  TopicUse,
} from "../page/connections/connection-wire.js";
import type { PageRoutes, Visitor } from "./access.js";
import { answered, invalid } from "./answer.js";
import { jsonOf, textIn, wholeIn } from "./body.js";
import { ClientWorks } from "./client-work.js";
import { type ConnectionRate, ConnectionRates, type Look } from "./connection-rates.js";
import { FirstFew } from "./first-few.js";
import { Query } from "./query.js";
import { Queue } from "./queue.js";

/** Limit on connections, and on sums, that are shown. */
const SHOWN_MAX = 100;

/** A connection with more than this part of the traffic of its client is named beside it. */
const CHIEF_SHARE_MIN = 0.9;

/** Connections per turn of the event loop: comparing texts takes a microsecond or two. */
const PORTION = 500;

/** A connection, its rates, and what its client works on. */
interface Client {
  readonly connection: ClientConnection;
  readonly rate: ConnectionRate;
  readonly work: ClientWork;
}

type Sortable = number | string;

/** What connections can be sorted by. */
const ORDERS: Readonly<Record<string, (client: Client) => Sortable>> = {
  rate: ({ rate }) => trafficOf(rate),
  in: ({ rate }) => rate.receivedRate,
  out: ({ rate }) => rate.sentRate,
  bytes: ({ connection }) => connection.inflight.bytes,
  requests: ({ connection }) => connection.inflight.unanswered,
  throttled: ({ rate }) => rate.mutedShare,
  since: ({ connection }) => connection.client.sinceMs,
  address: ({ connection }) => connection.client.endpoint,
  client: ({ connection }) => connection.client.id ?? "",
  software: ({ connection }) => connection.client.software ?? "",
  user: ({ connection }) => connection.user ?? "",
  protocol: ({ connection }) => connection.protocol ?? "",
  writes: ({ work }) => FIELDS.writes(work)[0] ?? "",
  reads: ({ work }) => FIELDS.reads(work)[0] ?? "",
  group: ({ work }) => FIELDS.group(work)[0] ?? "",
};

/** What sums can be sorted by. */
const SUM_ORDERS: Readonly<Record<string, (sum: ClientSum) => Sortable>> = {
  rate: trafficOf,
  in: ({ receivedRate }) => receivedRate,
  out: ({ sentRate }) => sentRate,
  bytes: ({ inflightBytes }) => inflightBytes,
  requests: ({ inflightRequests }) => inflightRequests,
  throttled: ({ throttled }) => throttled,
  connections: ({ connections }) => connections,
  name: ({ name }) => name ?? "",
};

/** What a client works on, to filter and to sum by: what it did last comes first. */
const FIELDS: Readonly<Record<ClientField, (work: ClientWork) => readonly string[]>> = {
  writes: ({ writes }) => namesOf(writes),
  reads: ({ reads }) => namesOf(reads),
  group: ({ group }) => (group === null ? [] : [group]),
};

function namesOf(use: TopicUse | null): readonly string[] {
  return use === null || use.topic === null ? [] : [use.topic, ...use.others];
}

/** What connections can be summed by. */
const GROUPS: Readonly<Record<ClientGroup, (client: Client) => string | undefined>> = {
  client: ({ connection }) => connection.client.id,
  user: ({ connection }) => connection.user,
  host: ({ connection }) => connection.client.address,
  software: ({ connection }) => connection.client.software,
  writes: ({ work }) => FIELDS.writes(work)[0],
  reads: ({ work }) => FIELDS.reads(work)[0],
  group: ({ work }) => FIELDS.group(work)[0],
};

/** What a page asks for. */
interface Selection {
  readonly filter: Filter;
  /** A name of ORDERS or SUM_ORDERS, after a `-` for descending. */
  readonly order: string;
  readonly by: ClientGroup | undefined;
}

/** Which connections are shown: those with a text in one of their texts, or with just this name of a topic or group. */
interface Filter {
  readonly field: ClientField | undefined;
  /** In small letters, unless it is a name. */
  readonly text: string;
}

function filterOf(text: string): Filter {
  const [, field, name = ""] = /^(writes|reads|group):\s*(.+)$/s.exec(text) ?? [];
  if (field === undefined) return { field: undefined, text: text.toLowerCase() };
  return { field: field as ClientField, text: name };
}

function selectionOf(query: Query): Selection {
  const by = query.text("by");
  if (by !== undefined && !isGroup(by)) throw invalid(`connections can't be summed by '${by}'`);
  const order = query.text("order") ?? "-rate";
  const orders = by === undefined ? ORDERS : SUM_ORDERS;
  if (!Object.hasOwn(orders, order.replace(/^-/, "")))
    throw invalid(`there is no order '${order}'`);
  return { filter: filterOf(query.text("filter") ?? ""), order, by };
}

function isGroup(name: string): name is ClientGroup {
  return Object.hasOwn(GROUPS, name);
}

/** The order of two things by what `rankOf` says of them. Equal ones keep the order in which they came. */
function ordered<Thing>(
  orders: Readonly<Record<string, (thing: Thing) => Sortable>>,
  order: string,
): (a: Thing, b: Thing) => number {
  const sign = order.startsWith("-") ? -1 : 1;
  const rankOf = orders[order.replace(/^-/, "")]!;
  return (a, b) => {
    const [left, right] = [rankOf(a), rankOf(b)];
    return left === right ? 0 : left < right ? -sign : sign;
  };
}

async function connectionsState(
  connections: Iterable<ClientConnection>,
  look: Look,
  works: ClientWorks,
  { filter, order, by }: Selection,
  signal: AbortSignal,
): Promise<ConnectionsState> {
  const protocols: Record<string, number> = {};
  const first = new FirstFew<Client>(
    SHOWN_MAX,
    by === undefined ? ordered(ORDERS, order) : () => 0,
  );
  const sums = new Sums();
  const active = { client: new Sums(), host: new Sums() };
  const portions = new Portions(PORTION);
  let [matching, receivedRate, sentRate] = [0, 0, 0];
  let chief: Client | undefined;
  for (const connection of connections) {
    const turn = portions.next();
    if (turn !== undefined) {
      await turn;
      checkNotCancelled(signal);
    }
    if (connection.isGone) continue;
    const rate = look.rateOf(connection);
    const client: Client = { connection, rate, work: works.of(connection) };
    const { protocol = "unknown", client: peer } = connection;
    protocols[protocol] = (protocols[protocol] ?? 0) + 1;
    receivedRate += rate.receivedRate;
    sentRate += rate.sentRate;
    if (trafficOf(rate) > 0) {
      if (chief === undefined || trafficOf(rate) > trafficOf(chief.rate)) chief = client;
      if (peer.id === undefined) active.host.add(peer.address, client);
      else active.client.add(peer.id, client);
    }
    if (!matches(client, filter)) continue;
    matching++;
    if (by === undefined) first.add(client);
    else sums.add(GROUPS[by](client), client);
  }
  const [byId, byHost] = [await active.client.first(1), await active.host.first(1)];
  const [busiest] = [
    ...byId.map((sum) => ({ ...sum, by: "client" as const })),
    ...byHost.map((sum) => ({ ...sum, by: "host" as const })),
  ].sort(ordered(SUM_ORDERS, "-rate"));
  const totals = {
    ...{ protocols, atMs: Date.now(), spanMs: look.spanMs, receivedRate, sentRate, matching },
    busiest: busiest === undefined ? null : { ...busiest, chief: chiefOf(busiest, chief) },
  };
  if (by === undefined) {
    const shown = first.take().map(stateOf);
    return { ...totals, connections: shown, sums: null, hasMore: matching > shown.length };
  }
  const shown = await sums.first(SHOWN_MAX, order);
  return { ...totals, connections: [], sums: shown, hasMore: sums.size > shown.length };
}

/** The connection with the most traffic, if it has nearly all that of a sum. */
function chiefOf(
  sum: Omit<BusiestClient, "chief">,
  client: Client | undefined,
): ConnectionState | null {
  if (client === undefined) return null;
  const { id, address } = client.connection.client;
  const name = sum.by === "client" ? id : id === undefined ? address : undefined;
  const isOfSum = name !== undefined && printable(name) === sum.name;
  const isChief = isOfSum && trafficOf(client.rate) > CHIEF_SHARE_MIN * trafficOf(sum);
  return isChief ? stateOf(client) : null;
}

function trafficOf({ receivedRate, sentRate }: Pick<ClientSum, "receivedRate" | "sentRate">) {
  return receivedRate + sentRate;
}

function matches({ connection, work }: Client, { field, text }: Filter): boolean {
  if (field !== undefined) return FIELDS[field](work).includes(text);
  if (text === "") return true;
  const { client, user = "", protocol = "unknown", isTls } = connection;
  const texts = [
    client.endpoint,
    client.id,
    client.software,
    user,
    protocol,
    isTls ? "TLS" : "plain",
    ...Object.values(FIELDS).flatMap((of) => of(work)),
  ];
  return texts.join("\n").toLowerCase().includes(text);
}

/** A sum that is being added to. */
type Sum = { -readonly [Field in keyof ClientSum]: ClientSum[Field] };

/** Sums by a name that connections may have. */
class Sums {
  readonly #byName = new Map<string | undefined, Sum>();

  get size(): number {
    return this.#byName.size;
  }

  add(name: string | undefined, { connection, rate }: Client): void {
    let sum = this.#byName.get(name);
    if (sum === undefined) {
      sum = {
        name: name === undefined ? null : printable(name),
        ...{ connections: 0, throttled: 0, receivedRate: 0, sentRate: 0 },
        ...{ inflightBytes: 0, inflightRequests: 0, waitingFetches: 0 },
      };
      this.#byName.set(name, sum);
    }
    const { inflight } = connection;
    sum.connections++;
    sum.throttled += Number(inflight.isMuted);
    sum.receivedRate += rate.receivedRate;
    sum.sentRate += rate.sentRate;
    sum.inflightBytes += inflight.bytes;
    sum.inflightRequests += inflight.unanswered;
    sum.waitingFetches += inflight.waits;
  }

  async first(count: number, order = "-rate"): Promise<readonly ClientSum[]> {
    const first = new FirstFew<ClientSum>(count, ordered(SUM_ORDERS, order));
    const portions = new Portions(PORTION);
    for (const sum of this.#byName.values()) {
      first.add(sum);
      await portions.next();
    }
    return first.take();
  }
}

function stateOf({ connection, rate, work }: Client): ConnectionState {
  const { client, user, protocol = "unknown", isTls, inflight } = connection;
  const { receivedBytes, sentBytes } = connection;
  const { receivedRate, sentRate, mutedShare: throttledShare } = rate;
  const { serial, sinceMs, endpoint: address } = client;
  const safe = (text: string | undefined) => (text === undefined ? null : printable(text));
  return {
    ...{ serial, address, protocol, isTls, sinceMs, receivedBytes, sentBytes },
    ...{ clientId: safe(client.id), software: safe(client.software), user: safe(user) },
    ...{ receivedRate, sentRate, isThrottled: inflight.isMuted, throttledShare },
    ...{ inflightBytes: inflight.bytes, inflightRequests: inflight.unanswered },
    waitingFetches: inflight.waits,
    ...work,
  };
}

/** Rejects with CLUSTER_AUTHORIZATION_FAILED: a connection tells who uses the broker, and from where. */
export function connectionRoutes(
  broker: Pick<Broker, "clients">,
  rates = new ConnectionRates(() => broker.clients),
): PageRoutes {
  const queue = new Queue();
  const list = async (visitor: Visitor, { url, signal }: Request): Promise<ConnectionsState> => {
    requireOnCluster(visitor.context, "DESCRIBE");
    const selection = selectionOf(new Query(url));
    return queue.answer(signal, visitor, async () => {
      const look = await rates.look();
      const works = await ClientWorks.of(visitor.context, broker.clients);
      return connectionsState(broker.clients, look, works, selection, signal);
    });
  };
  return {
    "/api/connections": {
      GET: (request, visitor) => answered(() => list(visitor, request)),
    },
    "/api/connections/close": {
      POST: (request, { context }) =>
        answered(async () => {
          const body = await jsonOf(request);
          const order: CloseOrder = {
            serial: wholeIn(body, "serial"),
            address: textIn(body, "address"),
          };
          await closeConnection(context, broker.clients, order);
          return {};
        }),
    },
  };
}
