// The HTTP ports of `rustlog broker`: which are asked for, and what is served on each. Their code is loaded only
// then. Leaves to others: listening (http/http-server.ts), and what is answered (http/).
import type { Broker } from "../broker/broker.ts";
import type { HttpRoutes, HttpServer } from "../http/http-server.ts";
import type { FlushPolicy } from "../topics/flush-policy.ts";

/** What was asked for; undefined for a port that was not. */
export interface HttpFlags {
  readonly host: string;
  readonly allowedHosts: readonly string[];
  readonly metricsPort: number | undefined;
  readonly uiPort: number | undefined;
}

/** The ports that are open, and the lines that tell of them. */
export interface HttpPorts {
  readonly lines: readonly string[];
  stop(): Promise<void>;
}

/** Opens the ports. Throws an error that says what to do when one can't be had; then none is open. */
export async function openHttpPorts(
  broker: Broker,
  flags: HttpFlags,
  flush: FlushPolicy,
  log: (line: string) => void,
): Promise<HttpPorts> {
  const { host, allowedHosts, metricsPort, uiPort } = flags;
  const servers: HttpServer[] = [];
  const lines: string[] = [];
  const stop = async (): Promise<void> => {
    for (const server of servers) await server.stop();
  };
  if (metricsPort === undefined && uiPort === undefined) return { lines, stop };
  const { HttpServer } = await import("../http/http-server.ts");
  const { monitoringRoutes } = await import("../http/monitoring.ts");
  const open = (port: number, flag: string, routes: HttpRoutes): string => {
    const server = new HttpServer({
      ...{ host, port, allowedHosts, routes, log },
      flags: { host: "--http-host", port: flag },
    });
    servers.push(server);
    return server.url;
  };
  try {
    const monitoring = monitoringRoutes(broker);
    if (uiPort !== undefined) {
      const { pageRoutes } = await import("../http/page-routes.ts");
      const policy = flush.kind === "interval" ? `interval:${flush.ms}` : flush.kind;
      const url = open(uiPort, "--ui", { ...monitoring, ...pageRoutes(broker, policy) });
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
