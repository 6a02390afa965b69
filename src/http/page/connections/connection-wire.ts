// The JSON of connections, as types used by the page and the broker. Leaves to others: filling them (http/api/connections.ts).

/** What clients use; rates are bytes per second. */
export interface ClientUse {
  readonly receivedRate: number;
  readonly sentRate: number;
  /** Bytes of requests without an answer, and of answers that the client has not read. */
  readonly inflightBytes: number;
  /** Requests without an answer; some of them are fetches that wait for data. */
  readonly inflightRequests: number;
  readonly waitingFetches: number;
}

/** The topics of a client's requests of a kind in the last minutes, without those that the visitor may not know. */
export interface TopicUse {
  /** The first topic of the last request; null if the visitor may know none. */
  readonly topic: string | null;
  /** Those of earlier requests, at most 15. */
  readonly others: readonly string[];
  /** The number of further topics in the last request. */
  readonly more: number;
}

/** What a client works on. */
export interface ClientWork {
  /** The topic of its last Produce; null if there was none lately. */
  readonly writes: TopicUse | null;
  /** The topic of its last Fetch, likewise. */
  readonly reads: TopicUse | null;
  /** The group for which it reads; null if it has none, or the visitor may not know it. */
  readonly group: string | null;
}

/** A client connection. Text that a client chose is safe to show. */
export interface ConnectionState extends ClientUse, ClientWork {
  /** Number of the connection, which no other one of this run of the broker has. */
  readonly serial: number;
  /** Address and port of the client. */
  readonly address: string;
  /** `native`, `kafka`, or `unknown` before the first bytes. */
  readonly protocol: string;
  readonly clientId: string | null;
  /** Name and version of the client's library, if its protocol says it. */
  readonly software: string | null;
  /** Null if it has not logged in. */
  readonly user: string | null;
  readonly isTls: boolean;
  /** When it was opened, in milliseconds since 1970. */
  readonly sinceMs: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Whether it is not read now because of a quota, and for which share of the time it was not, from 0 to 1. */
  readonly isThrottled: boolean;
  readonly throttledShare: number;
}

/** What connections can be summed by. */
export type ClientGroup = "client" | "user" | "host" | "software" | ClientField;

/** What a client works on, as it is named in a filter: `writes:orders` finds the connections that write to orders. */
export type ClientField = keyof ClientWork;

/** Connections that have something in common. */
export interface ClientSum extends ClientUse {
  /** Null for those that do not say it. */
  readonly name: string | null;
  readonly connections: number;
  /** Those that are not read now because of a quota. */
  readonly throttled: number;
}

/** A client id, or an address for all connections without one. */
export interface BusiestClient extends ClientSum {
  readonly by: "client" | "host";
  /** The connection that has nearly all of this traffic; null if it is spread over several. */
  readonly chief: ConnectionState | null;
}

export interface ConnectionsState {
  /** Number of connections by protocol. */
  readonly protocols: Readonly<Record<string, number>>;
  /** When this was so, by the broker's clock, in milliseconds since 1970. */
  readonly atMs: number;
  /** The time that the rates are of, in milliseconds; 0 if there are none yet. */
  readonly spanMs: number;
  /** The rates of all connections. */
  readonly receivedRate: number;
  readonly sentRate: number;
  /** The client with the most traffic. Null if there is no traffic. */
  readonly busiest: BusiestClient | null;
  /** Connections that match the filter. */
  readonly matching: number;
  /** The first of them in the order that was asked for; none if they are summed. */
  readonly connections: readonly ConnectionState[];
  /** The first sums in that order; null if they are not summed. */
  readonly sums: readonly ClientSum[] | null;
  /** Whether there are more connections, or sums. */
  readonly hasMore: boolean;
}

/** A connection to close: also by its address, because after a restart another one may have its number. */
export interface CloseOrder {
  readonly serial: number;
  readonly address: string;
}
