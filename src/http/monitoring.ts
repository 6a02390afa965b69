// What monitoring asks a broker: GET /metrics, and GET /health, whether it can be used.
// Leaves to others: listening (http-server.ts), and what there is to say (metrics-text.ts, broker/broker.ts).
import type { Broker } from "../broker/broker.ts";
import { VERSION } from "../broker/version.ts";
import { EXPOSITION_TYPE } from "./exposition.ts";
import type { HttpRoutes } from "./http-server.ts";
import { metricsText } from "./metrics-text.ts";

/** Scrapes that are answered at once. */
const SCRAPES_MAX = 8;

/** The paths of monitoring. */
export function monitoringRoutes(broker: Broker): HttpRoutes {
  const scrapes = new Scrapes(broker);
  return {
    "/metrics": { GET: () => scrapes.answer() },
    "/health": { GET: () => health(broker) },
  };
}

/** The answers to scrapes that are under way. */
class Scrapes {
  readonly #broker: Broker;
  #underWay = 0;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  /** The metrics, written as fast as they are read. */
  answer(): Response {
    if (this.#underWay >= SCRAPES_MAX) {
      return new Response(`${SCRAPES_MAX} scrapes are under way already\n`, { status: 503 });
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

/** 200 while requests are served, also if some partitions are offline; 503 while the broker stops, or once its disk failed. */
function health(broker: Broker): Response {
  const { health } = broker;
  const isServing = health.status === "ok" || health.status === "degraded";
  return Response.json(
    { ...health, version: VERSION, address: broker.address },
    { status: isServing ? 200 : 503 },
  );
}
