// What monitoring asks a broker: GET /health, whether it can be used.
// Leaves to others: listening (http-server.ts), and what the broker's health is (broker/broker.ts).
import type { Broker } from "../broker/broker.ts";
import { VERSION } from "../broker/version.ts";
import type { HttpRoutes } from "./http-server.ts";

/** The paths of monitoring. */
export function monitoringRoutes(broker: Broker): HttpRoutes {
  return { "/health": { GET: () => health(broker) } };
}

/** 200 while requests are served; 503 while the broker stops, or once its disk failed. */
function health(broker: Broker): Response {
  const { health } = broker;
  return Response.json(
    { ...health, version: VERSION, address: broker.address },
    { status: health.status === "ok" ? 200 : 503 },
  );
}
