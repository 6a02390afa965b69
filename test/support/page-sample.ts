// A broker with topics, records and groups to show on its page, and the page opened in a browser.
// Leaves to others: the steps on the page.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type HttpHandler, HttpServer } from "../../src/http/http-server.js";
import { type MonitoringAccess, monitoringRoutes } from "../../src/http/monitoring.js";
import { PageAccess } from "../../src/http/api/access.js";
import { pageRoutes } from "../../src/http/api/routes.js";
import { stampBaseOffset } from "../../src/record/batch.js";
import { BatchEncoder } from "../../src/record/encoder.js";
import type { Broker } from "../../src/broker/broker.js";
import type { BrokerOptions } from "../../src/broker/options.js";
import type { Disk } from "../../src/log/disk/disk.js";
import { segmentFileName } from "../../src/log/segment/segment-files.js";
import { batchOf, startBroker, type TestBroker } from "./broker.js";

/** A broker and its page. */
export interface PageSample extends AsyncDisposable {
  readonly broker: Broker;
  readonly running: TestBroker;
  /** Address of the page, with a slash at the end. */
  readonly url: string;
  readonly access: PageAccess;
  /** Number of streams of events that browsers read. */
  streams(): number;
}

/** How the page of a test is served, beside the options of its broker. */
export interface PageServing extends Partial<MonitoringAccess> {
  readonly isReadOnly?: boolean;
  /** Whether to use the certificate of the broker. */
  readonly isTls?: boolean;
  /** The port of the page; any that is free by default. */
  readonly port?: number;
}

/** Starts a broker with a page, its metrics and its health. Segments are small, so that there are several. */
export async function startPage(
  options: Partial<BrokerOptions> = {},
  disk?: Disk,
  serving: PageServing = {},
): Promise<PageSample> {
  const running = await startBroker({ segmentBytes: 64 * 1024, ...options }, disk);
  const { isReadOnly = false, isTls = false, port = 0, tokens } = serving;
  const access = serving.access ?? new PageAccess(running.broker.context, { isReadOnly });
  const routes = pageRoutes(running.broker, "always", access);
  const { GET: events } = routes["/api/events"]!;
  let streams = 0;
  const counted: HttpHandler = (request, ...others) => {
    streams++;
    request.signal.addEventListener("abort", () => streams--);
    return events!(request, ...others);
  };
  const server = new HttpServer({
    ...{ host: "127.0.0.1", port, log: (line: string) => running.lines.push(line) },
    tls: isTls ? running.broker.tls : undefined,
    flags: { host: "--http-host", port: "--ui" },
    routes: {
      ...monitoringRoutes(running.broker, { access, tokens }),
      ...routes,
      "/api/events": { GET: counted },
    },
  });
  return {
    broker: running.broker,
    ...{ running, access },
    streams: () => streams,
    url: `${server.url}/`,
    async [Symbol.asyncDispose]() {
      await server.stop();
      await running[Symbol.asyncDispose]();
    },
  };
}

/** Writes `count` orders to a partition, several records per batch, with timestamps a second apart. */
export async function writeOrders(
  broker: Broker,
  topic: string,
  partition: number,
  count: number,
): Promise<void> {
  const RECORDS = 8;
  const written: Promise<number>[] = [];
  const target = broker.context.registry.partition(topic, partition);
  for (let order = 0; order < count; order += RECORDS) {
    const encoder = new BatchEncoder();
    for (let i = order; i < Math.min(count, order + RECORDS); i++) {
      const customer = `customer-${(i * 7) % 97}`;
      const items = ["book", "pen", "lamp"].slice(0, 1 + (i % 3));
      const value = JSON.stringify({ order: i, customer, total: ((i * 37) % 10_000) / 100, items });
      encoder.append(Date.UTC(2026, 6, 1, 12) + i * 1000, customer, value);
    }
    written.push(target.append(encoder.finish().slice()));
  }
  await Promise.all(written);
}

/**
 * Creates a topic with many segments of one record each by writing their files, which is faster than rolling. The
 * indexes are missing, and are rebuilt on first use.
 */
export async function writeSegments(dataDir: string, topic: string, count: number): Promise<void> {
  {
    await using running = await startBroker({ dataDir });
    await running.broker.context.registry.create(topic, 1, {});
  }
  for (let offset = 0; offset < count; offset++) {
    const batch = batchOf(`value ${offset}`);
    stampBaseOffset(batch, 0, offset);
    writeFileSync(join(dataDir, "topics", topic, "0", segmentFileName(offset, "log")), batch);
  }
}

/** Two topics, and two groups that read them. */
export async function writeShop(broker: Broker): Promise<void> {
  const { registry, offsets } = broker.context;
  await registry.create("orders", 4, {});
  await registry.create("payments", 2, {});
  for (const [partition, count] of [5200, 4100, 6400, 2300].entries()) {
    await writeOrders(broker, "orders", partition, count);
  }
  await writeOrders(broker, "payments", 0, 1500);
  await writeOrders(broker, "payments", 1, 1100);
  await offsets.commit("billing", [
    { topic: "orders", partition: 0, offset: 4700 },
    { topic: "orders", partition: 1, offset: 4100 },
    { topic: "orders", partition: 2, offset: 3000 },
    { topic: "orders", partition: 3, offset: 2300 },
  ]);
  await offsets.commit("search-index", [
    { topic: "orders", partition: 0, offset: 1200 },
    { topic: "orders", partition: 2, offset: 6100 },
    { topic: "payments", partition: 0, offset: 900 },
  ]);
}
