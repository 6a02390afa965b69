// What the connections view says in words. Pure. Leaves to others: showing it (connections-view.ts).
import { countOf, formatBytes, formatCount } from "../parts/format.js";
import { hrefOf } from "../router.js";
import type {
  ClientField,
  ClientUse,
  ConnectionsState,
  ConnectionState,
  TopicUse,
} from "./connection-wire.js";

/** `12 MiB/s`; nothing below a byte per second. */
export function rateText(rate: number): string {
  return rate < 1 ? "" : `${formatBytes(rate)}/s`;
}

/** The part of all traffic that is this client's, from 0 to 1. */
export function shareOf(
  { receivedRate, sentRate }: Pick<ClientUse, "receivedRate" | "sentRate">,
  total: Pick<ConnectionsState, "receivedRate" | "sentRate">,
): number {
  const all = total.receivedRate + total.sentRate;
  return all < 1 ? 0 : Math.min(1, (receivedRate + sentRate) / all);
}

/** `62 %`; nothing for none. */
export function percentText(share: number): string {
  if (share <= 0) return "";
  return share < 0.01 ? "< 1 %" : `${Math.round(share * 100)} %`;
}

/** `3, 2 of them waiting for data`. */
export function requestsText({ inflightRequests, waitingFetches }: ClientUse): string {
  if (inflightRequests === 0) return "";
  const waiting = waitingFetches === 0 ? "" : `, ${formatCount(waitingFetches)} waiting`;
  return `${formatCount(inflightRequests)}${waiting}`;
}

/** Whether quotas hold a connection back: `now, 40 % of the time`. */
export function throttledText({
  isThrottled,
  throttledShare,
}: Pick<ConnectionState, "isThrottled" | "throttledShare">): string {
  const share = percentText(throttledShare);
  if (share === "") return isThrottled ? "now" : "";
  return isThrottled ? `now, ${share}` : share;
}

/** The topics of requests: `orders`, `orders + 3 more`. */
export function topicText(use: TopicUse | null): string {
  if (use === null) return "—";
  if (use.topic === null) return "hidden";
  const more = Math.max(use.more, use.others.length);
  return more === 0 ? use.topic : `${use.topic} + ${formatCount(more)} more`;
}

/** What finds the connections that work on a topic or for a group. */
export function workFilter(field: ClientField, name: string): string {
  return `${field}:${name}`;
}

/** Why there is nothing to show. */
export function emptyText(filter: string): string {
  const [, field, name = ""] = /^(writes|reads|group):\s*(.+)$/s.exec(filter) ?? [];
  if (field === "writes") return `No client has written to ${name} in the last 5 minutes.`;
  if (field === "reads") return `No client has read from ${name} in the last 5 minutes.`;
  if (field === "group")
    return `No client that is connected is known to work for the group ${name}.`;
  return `No connection has "${filter}" in its client id, user, address, library, protocol, topic or group.`;
}

/** `2 clients`: those that write to a topic. */
export function writersText({ matching }: Pick<ConnectionsState, "matching">): string {
  return matching === 0 ? "no client in the last 5 minutes" : countOf(matching, "client");
}

/** How long ago something was, in one unit: `14 s`, `3 min`, `5 h`, `12 d`. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${formatCount(Math.floor(seconds / 86_400))} d`;
}

/** `312 connections: 300 kafka, 12 native`. */
export function countText({ protocols }: Pick<ConnectionsState, "protocols">): string {
  const counts = Object.entries(protocols);
  const count = counts.reduce((sum, [, of]) => sum + of, 0);
  const parts = counts.map(([protocol, of]) => `${formatCount(of)} ${protocol}`);
  return `${countOf(count, "connection")}${parts.length === 0 ? "" : `: ${parts.join(", ")}`}`;
}

/** `84 MiB/s in, 2 MiB/s out`; undefined until there are rates. */
export function trafficText({
  spanMs,
  receivedRate,
  sentRate,
}: Pick<ConnectionsState, "spanMs" | "receivedRate" | "sentRate">): string | undefined {
  if (spanMs === 0) return undefined;
  return `${formatBytes(receivedRate)}/s in, ${formatBytes(sentRate)}/s out`;
}

/** A part of a sentence; `href` is where it leads. */
interface Piece {
  readonly text: string;
  readonly href?: string;
}

/**
 * Which client floods the broker: `; 99 % of it by client id meter, user ann, which writes to orders`. Of a client with
 * several connections it names the one that has nearly all. Empty if there is nothing to say.
 */
export function busiestPieces(
  state: Pick<ConnectionsState, "busiest" | "receivedRate" | "sentRate">,
): readonly Piece[] {
  const { busiest } = state;
  if (busiest === null || busiest.name === null) return [];
  const share = percentText(shareOf(busiest, state));
  if (share === "") return [];
  const { by, name, connections, chief } = busiest;
  const found = (text: string): Piece => ({
    text,
    href: hrefOf("connections", [], { filter: text }),
  });
  const said: Piece[] = [
    { text: `; ${share} of it by ${by === "client" ? "client id" : "address"} ` },
    found(name),
  ];
  if (connections > 1) said.push({ text: `, over ${countOf(connections, "connection")}` });
  if (chief === null) return said;
  if (connections > 1) {
    const ofChief = percentText(shareOf(chief, state));
    said.push({ text: `; ${ofChief} by the one from ` }, found(chief.address));
  }
  if (chief.user !== null) said.push({ text: `, user ${chief.user}` });
  return [...said, ...workPieces(chief)];
}

/** What a connection does most: `, which writes to orders`. */
function workPieces({ writes, reads, receivedRate, sentRate }: ConnectionState): Piece[] {
  const isReader = sentRate > receivedRate;
  const use = isReader ? reads : writes;
  if (use === null || use.topic === null) return [];
  const verb = isReader ? "reads from" : "writes to";
  return [
    { text: `, which ${verb} ` },
    { text: topicText(use), href: hrefOf("topics", [use.topic]) },
  ];
}

/** What closing a connection does, for the dialog that asks. `hasUsers` says whether clients log in. */
export function closeConsequences(
  connection: ConnectionState,
  hasUsers: boolean,
): readonly string[] {
  const { inflightRequests, waitingFetches } = connection;
  const busy = inflightRequests - waitingFetches;
  const fetches = countOf(
    waitingFetches,
    "fetch that waits for data",
    "fetches that wait for data",
  );
  const requests = countOf(busy, "request");
  const pending = [
    ...(waitingFetches === 0 ? [] : [`${fetches} will get no answer.`]),
    ...(busy === 0
      ? []
      : [
          `${requests} in progress will get no answer: a producer that is not idempotent may then write records twice.`,
        ]),
  ];
  const lasting = hasUsers ? "a quota, taking away a rule, or deleting the user" : "a quota";
  return [
    whoText(connection),
    pending.length === 0 ? "No request is in progress." : pending.join(" "),
    `Most clients connect again at once. What lasts is ${lasting}:`,
  ];
}

/** `Client id meter, franz-go 1.22.3, user ann; 12 MiB/s in, 0 B/s out.` */
function whoText(connection: ConnectionState): string {
  const { clientId, software, user, group, receivedRate, sentRate } = connection;
  const names = [
    ...(clientId === null ? [] : [`client id ${clientId}`]),
    ...(software === null ? [] : [software]),
    ...(user === null ? [] : [`user ${user}`]),
    ...(group === null ? [] : [`group ${group}`]),
  ];
  const who = names.length === 0 ? "The client has not said what it is" : names.join(", ");
  const traffic = `${formatBytes(receivedRate)}/s in, ${formatBytes(sentRate)}/s out`;
  return `${who[0]?.toUpperCase()}${who.slice(1)}; ${traffic}.`;
}

/** Commands that last, where closing does not. `hasUsers` says whether clients log in. */
export function lastingCommands(
  connection: Pick<ConnectionState, "address" | "clientId" | "user" | "receivedRate" | "sentRate">,
  hasUsers: boolean,
): readonly string[] {
  const { address, clientId, user } = connection;
  const rate = rateLimit(connection);
  const host = address.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
  const limit =
    clientId === null
      ? `--for-ip ${host} --connection-creation-rate 1`
      : `--for-client-id ${quoted(clientId)} ${rate}`;
  if (!hasUsers || user === null) return [`rustlog quotas set ${limit}`];
  return [
    `rustlog quotas set --for-user ${quoted(user)} ${rate}`,
    `rustlog acls delete --allow ${quoted(user)}`,
    `rustlog users delete ${quoted(user)}`,
  ];
}

/** A limit for what the client does most: at most half of it, so that it makes a difference. */
function rateLimit({ receivedRate, sentRate }: Pick<ClientUse, "receivedRate" | "sentRate">) {
  const isReader = sentRate > receivedRate;
  const half = Math.max(receivedRate, sentRate) / 2;
  const kib = 2 ** Math.floor(Math.log2(Math.max(half, 1024) / 1024));
  const limit = half < 1024 || kib >= 1024 ? "1MiB" : `${kib}KiB`;
  return `--${isReader ? "consumer" : "producer"}-byte-rate ${limit}`;
}

/** A word of a shell. */
function quoted(text: string): string {
  return /^[\w.@:/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
