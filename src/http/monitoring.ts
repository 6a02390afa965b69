// Monitoring: GET /metrics, and GET /health, which says whether the broker is usable.
// Leaves to others: listening (http-server.ts), and the content (metrics-text.ts, broker/broker.ts).
import type { Broker } from "../broker/broker.js";
import { VERSION } from "../broker/version.js";
import { EXPOSITION_TYPE } from "./exposition.js";
import type { HttpRoutes } from "./http-server.js";
import { metricsText } from "./metrics-text.js";

const SCRAPES_MAX = 8;

export function monitoringRoutes(broker: Broker): HttpRoutes {
  const scrapes = new Scrapes(broker);
  return {
    "/metrics": { GET: () => scrapes.answer() },
    "/health": { GET: () => health(broker) },
  };
}

class Scrapes {
  readonly #broker: Broker;
  #underWay = 0;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** Streams the metrics as fast as they are read. */
  answer(): Response {
    if (this.#underWay >= SCRAPES_MAX) {
      return new Response(`too many concurrent scrapes (${SCRAPES_MAX})\n`, { status: 503 });
    }
    this.#underWay++;
    const parts = metricsText(this.#broker);
    let hasEnded = false;
    const end = (): void => {
      if (!hasEnded) this.#underWay--;
      hasEnded = true;
    };
    const encoder = new TextEncoder();
    const stream = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const { value } = await parts.next().catch((error: unknown) => {
            end();
            throw error;
          });
          if (value !== undefined) controller.enqueue(encoder.encode(value));
          else {
            end();
            controller.close();
          }
        },
        cancel: end,
      },
      { highWaterMark: 1 },
    );
    return new Response(stream, { headers: { "content-type": EXPOSITION_TYPE } });
  }
}

/**
 * 200 while requests are served, even if some partitions are offline; 503 while the broker stops, or after a disk
 * failure.
 */
function health(broker: Broker): Response {
  const { health } = broker;
  const isServing = health.status === "ok" || health.status === "degraded";
  return Response.json(
    { ...health, version: VERSION, address: broker.address },
    { status: isServing ? 200 : 503 },
  );
}
