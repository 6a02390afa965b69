// Downloads of records, asked for without a server: how many there may be, and when they end early.
// Leaves to others: their content, and the other routes of records (records.test.ts).
import { beforeAll, expect, test } from "bun:test";
import type { HttpClient } from "../../../src/http/http-server.js";
import { Queue } from "../../../src/http/api/queue.js";
import { recordRoutes } from "../../../src/http/api/records.js";
import type { ServiceContext } from "../../../src/services/context.js";
import { BatchEncoder } from "../../../src/record/encoder.js";
import { openServices } from "../../support/services.js";

const CLIENT: HttpClient = { address: "127.0.0.1", isSecure: false };
const LONG = "long ".repeat(400_000);

let context: ServiceContext;

beforeAll(async () => {
  context = await openServices();
  await context.registry.create("t", 1, {});
  for (let i = 0; i < 2; i++) {
    const encoder = new BatchEncoder();
    encoder.append(1, null, LONG);
    await context.registry.partition("t", 0).append(encoder.finish().slice());
  }
});

/** Requests a path of `GET /api/records/:topic`, of the topic `t`. */
async function download(
  routes: ReturnType<typeof recordRoutes>,
  path: "/lines" | "/:partition/:offset/:part",
  isWelcome = (): boolean => true,
  share = "one",
): Promise<Response> {
  const request = Object.assign(new Request("http://localhost/?partition=0"), {
    params: { topic: "t", partition: "0", offset: "1", part: "value" },
  }) as unknown as Bun.BunRequest;
  const server = { timeout: () => {} } as unknown as Bun.Server<undefined>;
  const handler = routes[`/api/records/:topic${path}`]!.GET!;
  return await handler(request, { context, session: undefined, share, isWelcome }, server, CLIENT);
}

test.each(["/lines", "/:partition/:offset/:part"] as const)(
  "four downloads may be under way, two of one visitor: %s",
  async (path) => {
    const routes = recordRoutes(new Queue());
    const of = (share: string): Promise<Response> => download(routes, path, () => true, share);
    const held: Response[] = [];
    for (const share of ["one", "one", "two", "two"]) held.push(await of(share));
    expect(held.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(await (await of("one")).text()).toContain("2 downloads of yours are under way");
    expect(await (await of("three")).text()).toContain("too many downloads are under way (4)");
    await held.pop()?.body?.cancel();
    const next = await of("three");
    expect((await next.text()).includes(LONG)).toBe(true);
    expect((await of("two")).status).toBe(200);
  },
);

test("a download ends with the session of its visitor", async () => {
  let isWelcome = true;
  const routes = recordRoutes(new Queue());
  const response = await download(routes, "/lines", () => isWelcome);
  const reader = response.body!.getReader();
  expect((await reader.read()).done).toBe(false);
  isWelcome = false;
  const rest = async (): Promise<void> => {
    while (!(await reader.read()).done);
  };
  await expect(rest()).rejects.toThrow("the session has ended");
});

test("a download ends with its topic, also if there is a new one of the same name", async () => {
  const own = await openServices();
  const { registry } = own;
  const write = async (): Promise<void> => {
    await registry.create("t", 1, {});
    for (let i = 0; i < 4; i++) {
      const encoder = new BatchEncoder();
      encoder.append(1, null, LONG);
      await registry.partition("t", 0).append(encoder.finish().slice());
    }
  };
  await write();
  const before = context;
  context = own;
  const response = await download(recordRoutes(new Queue()), "/lines");
  context = before;
  const reader = response.body!.getReader();
  await reader.read();
  await registry.delete("t");
  await write();
  const rest = async (): Promise<void> => {
    while (!(await reader.read()).done);
  };
  await expect(rest()).rejects.toThrow("was deleted and recreated");
});
