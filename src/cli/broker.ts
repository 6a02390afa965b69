// `rustlog broker`: turns flags and environment into BrokerOptions, prints the banner, and stops on a signal.
// Leaves to others: everything a broker does (broker/broker.ts).
import { resolve } from "node:path";
import { type CommandUnknownOpts, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import type { FlushPolicy } from "../topics/flush-policy.js";
import { Broker } from "../broker/broker.js";
import type { BrokerOptions } from "../broker/options.js";
import { tryParseDuration } from "../duration.js";
import { PRINCIPAL_CLAIM_DEFAULT } from "../security/oauth.js";
import { VERSION } from "../broker/version.js";
import {
  BATCH_BYTES_MAX_DEFAULT,
  CONNECTION_BYTES_MAX_DEFAULT,
  CONNECTIONS_MAX_DEFAULT,
  CONNECTIONS_PER_IP_MAX_DEFAULT,
  CONNECTIONS_PER_USER_MAX_DEFAULT,
  COMPACTION_CHECK_MS,
  COMPACTION_MEMORY_DEFAULT,
  COMPACTION_MEMORY_MAX,
  COMPACTION_MEMORY_MIN,
  FRAME_BYTES_MAX_DEFAULT,
  GROUP_INITIAL_REBALANCE_DELAY_MS_DEFAULT,
  IDLE_TIMEOUT_MS_DEFAULT,
  INFLIGHT_BYTES_MAX_DEFAULT,
  OFFSETS_RETENTION_MS_DEFAULT,
  PARTITIONS_MAX,
  RETENTION_CHECK_MS,
  SEGMENT_BYTES_DEFAULT,
  SEGMENT_BYTES_MAX,
  SEGMENT_BYTES_MIN,
  SEGMENT_MS_DEFAULT,
} from "../limits.js";
import { type HttpFlags, openHttpPorts } from "./http-ports.js";
import { newCommand, switchFromEnvironment, usageError } from "./command.js";
import { parseDuration, parseDurationOrNone } from "./duration.js";
import { CliError, EXIT } from "./exit.js";
import { parseAdvertisedFor, parseListen } from "../net/address.js";
import { CLIENT_AUTHS } from "../net/tls-files.js";
import { LogOutput, unblockedSink } from "./log-output.js";
import { watchNpmStart } from "./npm-parent.js";
import { audiences, withOauth } from "./oauth-flags.js";
import { hostNames } from "./host-names.js";
import { wholeNumber } from "./numbers.js";
import { STDOUT } from "./output.js";
import { isTalkative } from "./switches.js";
import { Interruption } from "./signals.js";
import { parseSize, parseSizeOrNone, sizeBetween } from "./size.js";
import { addTopicDefaults, withTopicDefaults } from "./topic-defaults.js";

const NO_AUTO_CREATE = "RUSTLOG_NO_AUTO_CREATE_TOPICS";
const HTTP_TLS = "RUSTLOG_HTTP_TLS";
const ALLOW_ANONYMOUS = "RUSTLOG_ALLOW_ANONYMOUS";
const STRICT_REPLICATION = "RUSTLOG_STRICT_REPLICATION_FACTOR";
const UI_READ_ONLY = "RUSTLOG_UI_READ_ONLY";

const EXAMPLES = `
  rustlog broker
  rustlog broker --port 0 --data-dir /var/lib/rustlog --default-partitions 3
  RUSTLOG_FLUSH=interval:100ms rustlog broker --retention-ms 7d`;

export function brokerCommand() {
  const command = newCommand("broker", "Run a broker until it receives a signal", EXAMPLES)
    .addOption(
      flag("config <file>", "TOML file with options under the names of these flags").default(
        undefined,
        "none",
      ),
    )
    .addOption(flag("host <address>", "address to listen on").default("127.0.0.1"))
    .addOption(
      flag("port <port>", "port to listen on; 0 picks a free one")
        .default(9092)
        .argParser(wholeNumber(0, 65_535)),
    )
    .addOption(
      flag(
        "listen <scheme://host:port>",
        "address to listen on, plain://HOST:PORT or tls://HOST:PORT; may be repeated; instead of --host and --port unless one of them is set",
      )
        .default([] as readonly string[], "none")
        .argParser(severalOf(parseListen)),
    )
    .addOption(
      flag("tls-cert <file>", "PEM file with the certificate of tls:// ports; read again on SIGHUP") //
        .default(undefined, "none"),
    )
    .addOption(flag("tls-key <file>", "PEM file with its key").default(undefined, "none"))
    .addOption(
      flag(
        "tls-client-ca <file>",
        "PEM file with the certificates that sign those of clients: their subjects are users",
      ).default(undefined, "none"),
    )
    .addOption(
      flag("tls-client-auth <mode>", "whether clients must have a certificate, or may log in")
        .choices(CLIENT_AUTHS)
        .default("required" as const),
    )
    .addOption(
      flag(
        "advertise <host:port>",
        "address that Kafka clients are told to use, instead of the one that each has used; after tls:// or plain:// for ports of one kind, and repeated for both",
      )
        .default([] as readonly string[], "none")
        .argParser(severalOf(parseAdvertisedFor)),
    )
    .addOption(flag("data-dir <directory>", "directory for all data").default("./data"))
    .addOption(
      new Option(
        "--allow-anonymous",
        `let other machines do everything without a login, if there is no user (env: ${ALLOW_ANONYMOUS})`,
      ).default(false, "off"),
    )
    .addOption(
      flag(
        "bootstrap-admin-file <file>",
        "file whose first line is NAME:PASSWORD of the first administrator; ignored once there are users",
      ).default(undefined, "none"),
    )
    .addOption(
      flag(
        "audit-log <file>",
        "file for the audit log: logins, refusals and changes, as JSON; by default without logins in the broker's log",
      ).default(undefined, "none"),
    )
    .addOption(
      flag(
        "oauth-jwks <file|url>",
        "keys (a JSON Web Key Set) of tokens that clients can log in with",
      ).default(undefined, "none"),
    )
    .addOption(
      flag("oauth-issuer <issuer>", "who must have issued the tokens").default(undefined, "any"),
    )
    .addOption(
      flag("oauth-audience <name[,name...]>", "whom the tokens must be for, one of these")
        .default(undefined, "any")
        .argParser(audiences),
    )
    .addOption(
      flag("oauth-principal-claim <claim>", "claim with the name of the user").default(
        undefined,
        PRINCIPAL_CLAIM_DEFAULT,
      ),
    )
    .addOption(
      flag("flush <policy>", "when a write is acknowledged: always, interval:MS or never")
        .default({ kind: "always" } as FlushPolicy, "always")
        .argParser(parseFlushPolicy),
    )
    .addOption(
      flag("offsets <mode>", "where committed offsets are kept")
        .choices(["durable", "memory"] as const)
        .default("durable" as const),
    )
    .addOption(
      flag("offsets-retention <duration>", "age at which unused committed offsets are deleted")
        .default(OFFSETS_RETENTION_MS_DEFAULT, "7d")
        .argParser(parseDurationOrNone),
    )
    .addOption(
      flag("segment-bytes <size>", "size at which a new segment starts")
        .default(SEGMENT_BYTES_DEFAULT, "256MiB")
        .argParser(sizeBetween(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX)),
    )
    .addOption(
      flag("segment-ms <duration>", "age at which a new segment starts")
        .default(SEGMENT_MS_DEFAULT, "7d")
        .argParser(parseDuration),
    )
    .addOption(
      flag("retention-bytes <size>", "partition size above which old segments are deleted")
        .default(-1, "none")
        .argParser(parseSizeOrNone),
    )
    .addOption(
      flag("retention-ms <duration>", "age at which segments are deleted")
        .default(-1, "none")
        .argParser(parseDurationOrNone),
    )
    .addOption(
      flag("retention-check <duration>", "time between two searches for segments to delete")
        .default(RETENTION_CHECK_MS, "5m")
        .argParser(parseDuration),
    )
    .addOption(
      flag("compaction-memory <size>", "memory for the keys of a log that is compacted")
        .default(COMPACTION_MEMORY_DEFAULT, "128MiB")
        .argParser(sizeBetween(COMPACTION_MEMORY_MIN, COMPACTION_MEMORY_MAX)),
    )
    .addOption(
      flag("compaction-check <duration>", "time between two searches for logs to compact")
        .default(COMPACTION_CHECK_MS, "15s")
        .argParser(parseDuration),
    )
    .option(
      "--no-auto-create-topics",
      `do not create topics on first produce (env: ${NO_AUTO_CREATE})`,
    )
    .addOption(
      flag("default-partitions <n>", "partitions of a topic created without a number")
        .default(1)
        .argParser(wholeNumber(1, PARTITIONS_MAX)),
    )
    .addOption(
      new Option(
        "--strict-replication-factor",
        "reject a topic with a replication factor above 1, as Kafka does with one broker, " +
          `instead of creating it with 1 (env: ${STRICT_REPLICATION})`,
      ).default(false, "off"),
    )
    .addOption(
      flag(
        "group-initial-rebalance-delay <duration>",
        "time that an empty group waits for more members",
      )
        .default(GROUP_INITIAL_REBALANCE_DELAY_MS_DEFAULT, "50ms")
        .argParser(parseDuration),
    )
    .addOption(
      flag("max-frame-bytes <size>", "largest request")
        .default(FRAME_BYTES_MAX_DEFAULT, "10MiB")
        .argParser(parseSize),
    )
    .addOption(
      flag("max-batch-bytes <size>", "largest record batch")
        .default(BATCH_BYTES_MAX_DEFAULT, "8MiB")
        .argParser(parseSize),
    )
    .addOption(
      flag("max-connections <n>", "maximum number of connections")
        .default(CONNECTIONS_MAX_DEFAULT)
        .argParser(wholeNumber(1, 1_000_000)),
    )
    .addOption(
      flag("max-connections-per-ip <n>", "maximum number of connections from one address")
        .default(CONNECTIONS_PER_IP_MAX_DEFAULT, "no limit")
        .argParser(wholeNumber(1, CONNECTIONS_PER_IP_MAX_DEFAULT)),
    )
    .addOption(
      flag("max-connections-per-user <n>", "maximum number of connections of one user")
        .default(CONNECTIONS_PER_USER_MAX_DEFAULT, "no limit")
        .argParser(wholeNumber(1, CONNECTIONS_PER_USER_MAX_DEFAULT)),
    )
    .addOption(
      flag("connections-max-reauth <duration>", "longest time that a login holds")
        .default(-1, "none")
        .argParser(parseDurationOrNone),
    )
    .addOption(
      flag("max-connection-bytes <size>", "maximum bytes in flight per connection")
        .default(CONNECTION_BYTES_MAX_DEFAULT, "32MiB")
        .argParser(parseSize),
    )
    .addOption(
      flag("max-inflight-bytes <size>", "maximum bytes in flight over all connections")
        .default(INFLIGHT_BYTES_MAX_DEFAULT, "512MiB")
        .argParser(parseSize),
    )
    .addOption(
      flag("idle-timeout <duration>", "time after which an idle connection is closed")
        .default(IDLE_TIMEOUT_MS_DEFAULT, "10m")
        .argParser(parseDuration),
    )
    .addOption(
      flag("metrics-port <port>", "HTTP port for /metrics and /health; 0 picks a free one")
        .default(undefined, "off")
        .argParser(wholeNumber(0, 65_535)),
    )
    .addOption(
      flag("ui [port]", "HTTP port for the live page; 0 picks a free one (9093 if omitted)")
        .default(undefined, "off")
        .preset("9093")
        .argParser(wholeNumber(0, 65_535)),
    )
    .addOption(
      new Option(
        "--http-tls",
        `use --tls-cert on the HTTP port, too: https instead of http (env: ${HTTP_TLS})`,
      ).default(false, "off"),
    )
    .addOption(
      new Option(
        "--ui-read-only",
        `refuse all changes on the live page (env: ${UI_READ_ONLY})`,
      ).default(false, "off"),
    )
    .addOption(
      flag(
        "metrics-token-file <file>",
        "tokens for /metrics, one a line; required once there are users",
      ).default(undefined, "none"),
    )
    .addOption(flag("http-host <address>", "address for the HTTP port").default("127.0.0.1"))
    .addOption(
      flag("http-allowed-host <name[,name...]>", "additional host name that HTTP clients may use")
        .default([] as readonly string[], "none")
        .argParser(hostNames),
    )
    .hook("preAction", async () => {
      const { config } = command.opts();
      if (config === undefined) return;
      const { applyConfigFile } = await import("./config-file.js");
      applyConfigFile(command, config);
    });
  addTopicDefaults(command);
  return command.action(async ({ config, ...options }) => {
    const { idleTimeout: idleTimeoutMs, metricsPort, ui: uiPort, ...others } = options;
    const { uiReadOnly: isReadOnly, metricsTokenFile, ...besidePage } = others;
    const {
      httpHost: host,
      httpAllowedHost: allowedHosts,
      ...brokerFlags
    } = withAddresses(command, besidePage);
    const { groupInitialRebalanceDelay: groupInitialRebalanceDelayMs, ...ofOffsets } = brokerFlags;
    const {
      offsetsRetention: offsetsRetentionMs,
      retentionCheck: retentionCheckMs,
      compactionCheck: compactionCheckMs,
      connectionsMaxReauth: connectionsMaxReauthMs,
      httpTls,
      ...rest
    } = ofOffsets;
    const isRefused = switchFromEnvironment(command, NO_AUTO_CREATE);
    const autoCreateTopics = options.autoCreateTopics && !isRefused;
    const strictReplicationFactor =
      options.strictReplicationFactor || switchFromEnvironment(command, STRICT_REPLICATION);
    const isTls = httpTls || switchFromEnvironment(command, HTTP_TLS);
    if (isTls && options.tlsCert === undefined) {
      usageError(command, "--http-tls needs --tls-cert and --tls-key");
    }
    const allowAnonymous =
      options.allowAnonymous || switchFromEnvironment(command, ALLOW_ANONYMOUS);
    const uiReadOnly = isReadOnly || switchFromEnvironment(command, UI_READ_ONLY);
    const page = { uiPort, uiReadOnly, metricsTokenFile };
    const http = { host, allowedHosts, metricsPort, isTls, allowAnonymous, ...page };
    await runBroker(
      command,
      {
        ...withTopicDefaults(command, withOauth(command, rest)),
        ...{ allowAnonymous, autoCreateTopics, strictReplicationFactor, idleTimeoutMs },
        ...{ groupInitialRebalanceDelayMs, offsetsRetentionMs, retentionCheckMs },
        ...{ compactionCheckMs, connectionsMaxReauthMs },
      },
      http,
    );
  });
}

/** An option with an environment variable of the same name: --data-dir, RUSTLOG_DATA_DIR. */
function flag<Usage extends string>(usage: Usage, description: string) {
  const variable = `RUSTLOG_${usage.split(" ")[0]!.toUpperCase().replaceAll("-", "_")}`;
  return new Option(`--${usage}`, description).env(variable);
}

/** Leaves out --host and --port where they are not set, and --listen names other addresses. */
function withAddresses<Flags extends { host: string; port: number; listen: readonly string[] }>(
  command: CommandUnknownOpts,
  { host, port, ...others }: Flags,
) {
  const isSet = (name: string) => command.getOptionValueSource(name) !== "default";
  const isOwn = others.listen.length === 0 || isSet("host") || isSet("port");
  return isOwn ? { host, port, ...others } : others;
}

/** A parser of an option that may be repeated, or have several values after commas. */
function severalOf(parse: (text: string) => unknown) {
  return (text: string, previous: readonly string[] = []): readonly string[] => {
    const values = text.split(",").map((value) => value.trim());
    try {
      for (const value of values) parse(value);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
    return [...previous, ...values];
  };
}

/** Parses `always`, `never` or `interval:MS`. Throws InvalidArgumentError. */
export function parseFlushPolicy(text: string): FlushPolicy {
  if (text === "always" || text === "never") return { kind: text };
  const interval = /^interval:(.+)$/.exec(text)?.[1];
  const ms = interval === undefined ? undefined : tryParseDuration(interval);
  if (ms !== undefined && ms >= 1) return { kind: "interval", ms };
  throw new InvalidArgumentError("Expected always, never or interval:MS, such as interval:100.");
}

async function runBroker(
  command: CommandUnknownOpts,
  options: BrokerOptions,
  httpFlags: HttpFlags,
): Promise<void> {
  const output = new LogOutput(unblockedSink(STDOUT));
  try {
    await serve(command, options, httpFlags, output);
  } finally {
    await output.drain();
  }
}

async function serve(
  command: CommandUnknownOpts,
  options: BrokerOptions,
  httpFlags: HttpFlags,
  output: LogOutput,
): Promise<void> {
  let isServing = false;
  // Clients can't cause more of these lines, so none is dropped.
  const log = (line: string): void =>
    output.line(line, { isKept: !isServing || line.startsWith("fatal:") });
  const interruption = new Interruption();
  watchNpmStart(() => interruption.request(EXIT.hungUp));
  const fatal = Promise.withResolvers<Error>();
  const note = (line: string): void => {
    if (isTalkative()) log(line);
  };
  for (const line of banner().split("\n")) note(line);
  const broker = await startBroker(command, { ...options, log, onFatal: fatal.resolve });
  const { tls } = broker;
  if (tls !== undefined) interruption.onHangup(() => tls.reload());
  const { flush = { kind: "always" } } = options;
  const http = await openHttpPorts(broker, httpFlags, flush, log).catch(async (error: unknown) => {
    await broker.stop();
    if (error instanceof RangeError) return usageError(command, error.message);
    throw addressError(error);
  });
  for (const address of broker.addresses) note(`Broker started on ${address}`);
  for (const line of http.lines) note(line);
  note(`Data directory: ${resolve(options.dataDir)}`);
  const { config } = command.opts();
  if (config !== undefined) note(`Configuration file: ${resolve(String(config))}`);
  isServing = true;
  const failure = await interruption.orResult(fatal.promise);
  isServing = false;
  if (failure === undefined) {
    note("Stopping: finishing requests in flight (a second signal stops immediately)");
  }
  // After a failure, stop() records it in the data directory for the next start.
  await broker.stop();
  // Stop HTTP last, so that /health can still say why requests are refused.
  await http.stop();
  if (failure !== undefined) throw failure;
  note("Broker stopped");
}

async function startBroker(command: CommandUnknownOpts, options: BrokerOptions): Promise<Broker> {
  try {
    return await Broker.start(options);
  } catch (error) {
    // Incompatible options are a usage error.
    if (error instanceof RangeError) return usageError(command, error.message);
    throw addressError(error);
  }
}

/** Unwraps an error of listening whose message is complete without a stack trace; returns any other error unchanged. */
function addressError(error: unknown): unknown {
  const isListenError =
    error instanceof Error && error.name === "Error" && error.cause instanceof Error;
  return isListenError ? new CliError(error.message, { cause: error }) : error;
}

const BANNER_WIDTH = 39;

export function banner(): string {
  const edge = "═".repeat(BANNER_WIDTH);
  const lines = [`        RustLog Broker v${VERSION}`, "     Kafka-lite Distributed Log"];
  const framed = lines.map((line) => `║${line.padEnd(BANNER_WIDTH)}║`);
  return [`╔${edge}╗`, ...framed, `╚${edge}╝`].join("\n");
}
