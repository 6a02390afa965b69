// What monitoring asks a broker: GET /metrics, and GET /health, whether it can be used.
// Leaves to others: listening (http-server.ts), and what there is to say (metrics-text.ts, broker/broker.ts).
import type { Broker } from "../broker/broker.ts";
import { VERSION } from "../broker/version.ts";
import { EXPOSITION_TYPE } from "./exposition.ts";
import type { HttpRoutes } from "./http-server.ts";
import { metricsText } from "./metrics-text.ts";

/** The paths of monitoring. */
export function monitoringRoutes(broker: Broker): HttpRoutes {
  return {
    "/metrics": { GET: () => metrics(broker) },
    "/health": { GET: () => health(broker) },
  };
}

function metrics(broker: Broker): Response {
  return new Response(metricsText(broker), { headers: { "content-type": EXPOSITION_TYPE } });
}

/** 200 while requests are served; 503 while the broker stops, or once its disk failed. */
function health(broker: Broker): Response {
  const { health } = broker;
  return Response.json(
    { ...health, version: VERSION, address: broker.address },
    { status: health.status === "ok" ? 200 : 503 },
  );
}
