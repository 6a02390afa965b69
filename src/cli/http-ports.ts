// The HTTP ports of `rustlog broker` and what each one serves. Loads the HTTP code only when a port is requested.
// Leaves to others: listening (http/http-server.ts), and the responses (http/).
import { anonymousFault } from "../broker/anonymous.js";
import type { Broker } from "../broker/broker.js";
import type { HttpRoutes, HttpServer } from "../http/http-server.js";
import { isLoopback } from "../net/address.js";
import type { FlushPolicy } from "../topics/flush-policy.js";

/** The requested ports; undefined for one that was not requested. */
export interface HttpFlags {
  readonly host: string;
  readonly allowedHosts: readonly string[];
  readonly metricsPort: number | undefined;
  readonly uiPort: number | undefined;
  /** Whether other machines may use the ports although nobody has to log in. */
  readonly allowAnonymous: boolean;
  /** Whether to serve https. */
  readonly isTls: boolean;
  /** Whether the page refuses all changes. */
  readonly uiReadOnly: boolean;
  /** A file with the tokens for /metrics; undefined if there is none. */
  readonly metricsTokenFile: string | undefined;
}

/** The open ports, and the log lines that announce them. */
interface HttpPorts {
  readonly lines: readonly string[];
  stop(): Promise<void>;
}

/** Opens the ports, or none: on a failure it closes what it opened and throws an error that says what to do. */
export async function openHttpPorts(
  broker: Broker,
  flags: HttpFlags,
  flush: FlushPolicy,
  log: (line: string) => void,
): Promise<HttpPorts> {
  const { host, allowedHosts, metricsPort, uiPort, isTls } = flags;
  const { uiReadOnly, metricsTokenFile } = flags;
  const servers: HttpServer[] = [];
  const lines: string[] = [];
  const stop = async (): Promise<void> => {
    for (const server of servers) await server.stop();
  };
  if (metricsPort === undefined && uiPort === undefined) return { lines, stop };
  const { HttpServer } = await import("../http/http-server.js");
  const { monitoringRoutes } = await import("../http/monitoring.js");
  const { PageAccess } = await import("../http/api/access.js");
  const { MetricsTokens } = await import("../http/metrics-token.js");
  const { context } = broker;
  const isOpen = !context.security.isEnabled;
  const isPublic = uiPort !== undefined || metricsTokenFile === undefined;
  if (isOpen && isPublic && !flags.allowAnonymous && !isLoopback(host)) {
    throw new RangeError(`--http-host ${host}: ${anonymousFault(context.logDirectory.path)}`);
  }
  const open = (port: number, flag: string, routes: HttpRoutes): string => {
    const server = new HttpServer({
      ...{ host, port, allowedHosts, routes, log, isOpen },
      tls: isTls ? broker.tls : undefined,
      flags: { host: "--http-host", port: flag },
    });
    servers.push(server);
    return server.url;
  };
  try {
    const access = new PageAccess(context, { isReadOnly: uiReadOnly });
    const tokens =
      metricsTokenFile === undefined ? undefined : new MetricsTokens(metricsTokenFile, log);
    const monitoring = monitoringRoutes(broker, { access, tokens });
    if (uiPort !== undefined) {
      const { pageRoutes } = await import("../http/api/routes.js");
      const policy = flush.kind === "interval" ? `interval:${flush.ms}` : flush.kind;
      const url = open(uiPort, "--ui", { ...monitoring, ...pageRoutes(broker, policy, access) });
      lines.push(`Page on ${url}/`);
      if (metricsPort === uiPort && uiPort !== 0) lines.push(`Metrics on ${url}/metrics`);
    }
    if (metricsPort !== undefined && (metricsPort !== uiPort || metricsPort === 0)) {
      lines.push(`Metrics on ${open(metricsPort, "--metrics-port", monitoring)}/metrics`);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { lines, stop };
}
