// The columns of the connections view. Leaves to others: the words (connection-words.ts), the order of the rows (the broker).
import { button, element } from "../parts/dom.js";
import { formatBytes, formatCount, formatTime } from "../parts/format.js";
import type { Column } from "../parts/table.js";
import { hrefOf } from "../router.js";
import type {
  ClientField,
  ClientGroup,
  ClientSum,
  ClientUse,
  ConnectionsState,
  ConnectionState,
  TopicUse,
} from "./connection-wire.js";
import {
  ageText,
  percentText,
  rateText,
  requestsText,
  shareOf,
  throttledText,
  topicText,
  workFilter,
} from "./connection-words.js";

/** What the columns are about, for numbers that depend on all connections. */
type StateOf = () => ConnectionsState | undefined;

/**
 * `close` asks and closes a connection; undefined for a visitor who may not. Without security there are no users, and no column
 * for them.
 */
export function connectionColumns(
  stateOf: StateOf,
  hasUsers: boolean,
  close: ((connection: ConnectionState) => void) | undefined,
): readonly Column<ConnectionState>[] {
  const shown: readonly Column<ConnectionState>[] = [
    textColumn("client", "client id", ({ clientId }) => clientId),
    shareColumn(stateOf),
    workColumn("writes", "topics", ({ writes }) => topicPlace(writes)),
    workColumn("reads", "topics", ({ reads }) => topicPlace(reads)),
    workColumn("group", "groups", ({ group }) => ({
      ...{ text: group ?? "—", place: group, names: group ?? "" },
    })),
    ...useColumns<ConnectionState>(),
    { name: "address", title: "address", text: ({ address }) => address, ...SORTED },
    ...(hasUsers ? [{ ...textColumn("user", "user", ({ user }) => user), isExtra: true }] : []),
    { name: "throttled", title: "throttled", text: throttledText, ...EXTRA },
    {
      ...{ name: "protocol", title: "protocol", isExtra: true, ...SORTED },
      text: ({ protocol, isTls }) => (isTls ? `${protocol}, TLS` : protocol),
    },
    { ...textColumn("software", "library", ({ software }) => software), isExtra: true },
    {
      ...{ name: "since", title: "age", ...EXTRA },
      text: ({ sinceMs }) => ageText((stateOf()?.atMs ?? sinceMs) - sinceMs),
      fill: (cell, { sinceMs }) => {
        cell.textContent = ageText((stateOf()?.atMs ?? sinceMs) - sinceMs);
        cell.title = `since ${formatTime(sinceMs)}`;
      },
    },
  ];
  if (close === undefined) return shown;
  return [
    ...shown,
    { name: "close", title: "actions", text: () => "Close", fill: closeButton(close) },
  ];
}

/** `by` says what the sums have in common. */
export function sumColumns(stateOf: StateOf, by: () => ClientGroup): readonly Column<ClientSum>[] {
  return [
    {
      ...{ name: "name", title: "name", ...SORTED },
      text: ({ name }) => name ?? "—",
      fill: (cell, { name }) =>
        cell.replaceChildren(
          name === null
            ? "—"
            : element(
                "a",
                { href: hrefOf("connections", [], { filter: sumFilter(by(), name) }) },
                name,
              ),
        ),
    },
    {
      ...{ name: "connections", title: "connections", ...NUMBER },
      text: ({ connections }) => formatCount(connections),
    },
    shareColumn(stateOf),
    ...useColumns<ClientSum>(),
    {
      ...{ name: "throttled", title: "throttled now", ...NUMBER },
      text: ({ throttled }) => (throttled === 0 ? "" : formatCount(throttled)),
    },
  ];
}

/** A text that a client chose; a long one is cut, and shown in full where the pointer is. */
function textColumn(
  name: string,
  title: string,
  textOf: (connection: ConnectionState) => string | null,
): Column<ConnectionState> {
  return {
    ...{ name, title, ...SORTED },
    text: (connection) => textOf(connection) ?? "—",
    fill: (cell, connection) => {
      const text = textOf(connection);
      cell.textContent = text ?? "—";
      cell.title = text ?? "";
      cell.classList.add("cut");
    },
  };
}

/** What a client works on, as it is shown, and where that leads. */
interface Work {
  readonly text: string;
  readonly place: string | null;
  /** All names, shown where the pointer is. */
  readonly names: string;
}

function topicPlace(use: TopicUse | null): Work {
  const { topic = null, others = [] } = use ?? {};
  return { text: topicText(use), place: topic, names: [topic ?? "", ...others].join(", ") };
}

/** What a client works on: leads to the topic, or the group. */
function workColumn(
  name: ClientField,
  view: "topics" | "groups",
  workOf: (connection: ConnectionState) => Work,
): Column<ConnectionState> {
  return {
    ...{ name, title: name, ...SORTED, isExtra: name !== "writes" },
    text: (connection) => {
      const { text, names } = workOf(connection);
      return `${text} ${names}`;
    },
    fill: (cell, connection) => {
      const { text, place, names } = workOf(connection);
      cell.replaceChildren(
        place === null ? text : element("a", { href: hrefOf(view, [place]) }, text),
      );
      cell.title = names;
      cell.classList.add("cut");
    },
  };
}

/** What finds the connections of a sum. */
function sumFilter(by: ClientGroup, name: string): string {
  return by === "writes" || by === "reads" || by === "group" ? workFilter(by, name) : name;
}

const SORTED = { isSortedOutside: true };
const NUMBER = { isSortedOutside: true, isNumber: true };
const EXTRA = { ...NUMBER, isExtra: true };

/** The part of all traffic that is that of one client or several. */
function shareColumn<Use extends ClientUse>(stateOf: StateOf): Column<Use> {
  const share = (use: Use): number => {
    const state = stateOf();
    return state === undefined ? 0 : shareOf(use, state);
  };
  return {
    ...{ name: "rate", title: "share", ...NUMBER },
    text: (use) => percentText(share(use)),
    fill: (cell, use) => fillShare(cell, share(use)),
  };
}

/** What one client or several use. */
function useColumns<Use extends ClientUse>(): readonly Column<Use>[] {
  return [
    { name: "in", title: "in", text: ({ receivedRate }) => rateText(receivedRate), ...EXTRA },
    { name: "out", title: "out", text: ({ sentRate }) => rateText(sentRate), ...EXTRA },
    {
      ...{ name: "bytes", title: "in flight", ...EXTRA },
      text: ({ inflightBytes }) => (inflightBytes === 0 ? "" : formatBytes(inflightBytes)),
    },
    { name: "requests", title: "requests", text: requestsText, ...EXTRA },
  ];
}

function fillShare(cell: HTMLElement, share: number): void {
  const text = percentText(share);
  if (text === "") cell.replaceChildren();
  else
    cell.replaceChildren(
      element("progress", { value: share.toFixed(3), "aria-label": text }),
      text,
    );
}

function closeButton(close: (connection: ConnectionState) => void) {
  return (cell: HTMLElement, connection: ConnectionState): void => {
    const label = `Close the connection from ${connection.address}`;
    cell.replaceChildren(button("Close", () => close(connection), { "aria-label": label }));
  };
}
