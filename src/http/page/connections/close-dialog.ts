// Asks before a connection is closed, and says what lasts where closing does not.
// Leaves to others: the words (connection-words.ts), and closing it (http/api/connections.ts).
import { openDialog } from "../parts/dialog.js";
import { element } from "../parts/dom.js";
import type { ConnectionState } from "./connection-wire.js";
import { closeConnection } from "./connection-api.js";
import { closeConsequences, lastingCommands } from "./connection-words.js";

/** Resolves with whether the connection was closed. `hasUsers` says whether clients log in. */
export function askToClose(connection: ConnectionState, hasUsers: boolean): Promise<boolean> {
  const { serial, address } = connection;
  const commands = lastingCommands(connection, hasUsers);
  const text = {
    title: `Close the connection from ${address}?`,
    body: [
      ...closeConsequences(connection, hasUsers),
      element("pre", { class: "commands" }, commands.join("\n")),
    ],
    action: "Close the connection",
    isDanger: true,
  };
  return openDialog(text, () => closeConnection({ serial, address }));
}
