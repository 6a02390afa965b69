// The commands that connect to a broker: their options for it, profiles, and their connections.
// Leaves to others: the library that connects (client/client.ts), the file of profiles (profile-file.ts), and other shared
// options (options.ts).
import { existsSync, readFileSync } from "node:fs";
import {
  Command,
  type CommandUnknownOpts,
  InvalidArgumentError,
  Option,
} from "@commander-js/extra-typings";
import { BROKER_ADDRESS_DEFAULT, parseBrokerAddress } from "../client/broker-address.js";
import { type Client, type ConnectOptions, connect } from "../client/client.js";
import { MECHANISMS, type PasswordOptions, type SaslOptions } from "../client/login.js";
import type { TlsOptions } from "../client/tls.js";
import type { RustLogError } from "../errors.js";
import { newCommand } from "./command.js";
import { CliError, printError } from "./exit.js";
import { type AnyOption, nameInFile } from "./option-value.js";
import { profilePath } from "./profile-path.js";
import { CLEAR_LINE } from "./stderr.js";

/** How to reach a broker, from the options of a command. */
export interface ConnectionFlags {
  readonly broker: string;
  readonly tls?: boolean | undefined;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly certKey?: string | undefined;
  readonly insecure?: boolean | undefined;
  readonly user?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly mechanism?: PasswordOptions["mechanism"] | undefined;
  readonly tokenFile?: string | undefined;
}

/** Timeouts and retries. */
type ConnectSettings = Omit<ConnectOptions, "broker" | "sasl" | "tls" | "onConnectionLost">;

/** The environment variable of `--profile`. */
export const PROFILE_VARIABLE = "RUSTLOG_PROFILE";

/** A command that connects to a broker. */
export function newClientCommand(name: string, description: string, examples: string) {
  const command = addConnectionOptions(newCommand(name, description, examples)).addOption(
    new Option("--profile <name>", "profile of a broker: see `rustlog profile`").env(
      PROFILE_VARIABLE,
    ),
  );
  return command.hook("preAction", () => applyProfile(command));
}

/** Adds the options of a connection, which a profile may set, too. Each is declared here and nowhere else. */
export function addConnectionOptions<Args extends unknown[]>(command: Command<Args>) {
  return command
    .addOption(brokerOption())
    .addOption(new Option("--tls", "use TLS, as the next options also do"))
    .addOption(
      new Option("--ca <file>", "PEM file with the certificates that sign the broker's") //
        .env("RUSTLOG_CA"),
    )
    .addOption(
      new Option("--cert <file>", "PEM file with the client's certificate") //
        .env("RUSTLOG_CERT"),
    )
    .addOption(
      new Option("--cert-key <file>", "PEM file with the key of --cert").env("RUSTLOG_CERT_KEY"),
    )
    .addOption(
      new Option(
        "--insecure",
        "accept any certificate: a server in between can read and change everything",
      ),
    )
    .addOption(
      new Option("--user <name>", "log in as this user; the password is asked for, or in a file") //
        .env("RUSTLOG_USER"),
    )
    .addOption(
      new Option("--password-file <file>", "file whose first line is the password of --user") //
        .env("RUSTLOG_PASSWORD_FILE"),
    )
    .addOption(
      new Option("--mechanism <name>", "how to log in (default: SCRAM-SHA-256)") //
        .choices(MECHANISMS)
        .env("RUSTLOG_MECHANISM"),
    )
    .addOption(
      new Option("--token-file <file>", "log in with the token (JWT) in this file, without --user") //
        .env("RUSTLOG_TOKEN_FILE"),
    );
}

/** The options of a connection. */
export function connectionOptions(): readonly AnyOption[] {
  return addConnectionOptions(new Command()).options;
}

/**
 * Sets the options that a profile has. In this order: --broker, --profile, RUSTLOG_BROKER, RUSTLOG_PROFILE, the current
 * profile of the file, the default. The current profile is left out if the broker is named otherwise: what it says is not
 * meant for another broker.
 */
export async function applyProfile(command: CommandUnknownOpts): Promise<void> {
  const named: unknown = command.getOptionValue("profile");
  const namedBy = command.getOptionValueSource("profile");
  if (named === undefined && command.getOptionValueSource("broker") !== "default") return;
  if (named === undefined && !existsSync(profilePath())) return;
  const { profileNamed, readProfiles } = await import("./profile-file.js");
  const profiles = readProfiles(connectionOptions());
  const name = named === undefined ? profiles.current : String(named);
  if (name === undefined) return;
  for (const [setting, value] of profileNamed(profiles, name)) {
    const option = command.options.find((it) => nameInFile(it) === setting);
    const attribute = option?.attributeName() ?? setting;
    const source = command.getOptionValueSource(attribute);
    const wins = source === "cli" || (source === "env" && namedBy !== "cli");
    if (!wins) command.setOptionValueWithSource(attribute, value, "config");
  }
}

function brokerOption() {
  return new Option("-b, --broker <host:port>", "broker to connect to")
    .env("RUSTLOG_BROKER")
    .default(BROKER_ADDRESS_DEFAULT)
    .argParser(brokerAddress);
}

/** Parses the address of a broker. Throws InvalidArgumentError. */
function brokerAddress(text: string): string {
  try {
    return parseBrokerAddress(text).text;
  } catch {
    throw new InvalidArgumentError(`Expected HOST:PORT, such as ${BROKER_ADDRESS_DEFAULT}.`);
  }
}

/**
 * Connects, runs `body` and closes the connection. If `body` throws, the connection is left open until the process
 * ends: closing it would wait for the requests that failed.
 */
export async function withClient(
  flags: ConnectionFlags,
  body: (client: Client) => Promise<void>,
  settings: ConnectSettings = {},
): Promise<void> {
  const [client] = await connectAll(flags, 1, settings);
  if (client === undefined) throw new Error("no client was created");
  await body(client);
  await client.close();
}

/** Opens `count` connections. Once all are open, reports the first that is lost. */
export async function connectAll(
  flags: ConnectionFlags,
  count: number,
  settings: ConnectSettings = {},
): Promise<readonly Client[]> {
  const tell = lossTeller();
  const tls = tlsOf(flags);
  if (tls?.insecure === true) {
    printError(
      "rustlog: WARNING: --insecure: the broker's certificate is not checked; anybody can pretend to be it, read and change all that is sent, and learn passwords",
    );
  }
  const sasl = await loginOf(flags);
  let areThere = false;
  const onConnectionLost = (error: RustLogError): void => {
    // Until then, the error that ends the command reports it.
    if (areThere) tell(error);
  };
  const clients = await Promise.all(
    Array.from({ length: count }, () =>
      connect({
        ...settings,
        broker: flags.broker,
        onConnectionLost,
        ...(sasl && { sasl }),
        ...(tls && { tls }),
      }),
    ),
  );
  areThere = true;
  return clients;
}

/** How to use TLS; undefined without. Throws CliError for a file that can't be read. */
export function tlsOf(flags: Omit<ConnectionFlags, "broker">): TlsOptions | undefined {
  const { tls = false, ca, cert, certKey, insecure = false } = flags;
  const isMeant = tls || insecure || [ca, cert, certKey].some((file) => file !== undefined);
  if (!isMeant) return undefined;
  const files = { ca: ["--ca", ca], cert: ["--cert", cert], key: ["--cert-key", certKey] } as const;
  const read = Object.entries(files).flatMap(([name, [flag, path]]) =>
    path === undefined ? [] : [[name, pemFile(flag, path)] as const],
  );
  return { ...Object.fromEntries(read), insecure };
}

function pemFile(flag: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(`${flag}: ${path} can't be read: ${reason}`, { cause: error });
  }
}

/** Who to log in as; undefined for nobody. Asks for the password if there is a person to ask. */
export async function loginOf(
  flags: Omit<ConnectionFlags, "broker">,
  mayAsk = process.stdin.isTTY === true,
): Promise<SaslOptions | undefined> {
  const { user: username, passwordFile, mechanism = "SCRAM-SHA-256", tokenFile } = flags;
  if (username === undefined && tokenFile === undefined) return undefined;
  const { askPassword, passwordFromFile, tokenFromFile } = await import("./password.js");
  if (tokenFile !== undefined) {
    if (username !== undefined) {
      throw new CliError("--token-file and --user are two ways to log in", {
        help: "Use one of them; a token names its user itself.",
      });
    }
    // Read for each login, because another program may put a new token there before the old one expires.
    return { mechanism: "OAUTHBEARER", token: () => tokenFromFile(tokenFile) };
  }
  if (username === undefined) return undefined;
  if (passwordFile !== undefined) {
    return { username, password: passwordFromFile(passwordFile), mechanism };
  }
  if (!mayAsk) {
    throw new CliError(`the password of user '${username}' is missing`, {
      help: "Name a file that holds it with --password-file.",
    });
  }
  return { username, password: await askPassword(`Password of user '${username}'`), mechanism };
}

/** Reports the first lost connection, so that a command that is retrying does not seem to hang. */
function lossTeller(): (error: RustLogError) => void {
  let isSaid = false;
  return (error) => {
    // On a terminal, clear a progress line first.
    const clear = process.stderr.isTTY === true ? CLEAR_LINE : "";
    if (!isSaid) printError(`rustlog: ${error.message}; retrying`, clear);
    isSaid = true;
  };
}
