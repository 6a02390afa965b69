// A program that imports the library, with the tsconfig that README asks for, sees no type errors from our files,
// however it resolves modules.
import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../support/tmp.js";
import { ROOT } from "./source-tree.js";

const PROGRAM = `
import {
  type ConsumerOptions,
  connect,
  jsonDeserializer,
  jsonSerializer,
  type PartitionConsumer,
  RustLogError,
} from "rustlog";
const options: ConsumerOptions = { topic: "t", follow: false };
await using client = await connect({ broker: "127.0.0.1:9092" });
for await (const { value } of client.consumer(options)) console.log(value?.length);
try {
  await client.producer().send("t", { key: "k", value: "v" });
} catch (error) {
  if (error instanceof RustLogError) console.error(error.code, error.help);
}
interface Order {
  readonly id: number;
}
const orders = client.consumer({
  topics: ["orders", /^returns-/],
  deserializers: { value: jsonDeserializer<Order> },
  signal: AbortSignal.timeout(1),
});
const stop: () => void = orders.on("lag", ({ lag }) => console.log(lag.toFixed()));
await orders.eachMessage(({ key, value }) => {
  const id: number | undefined = value?.id;
  const bytes: Uint8Array | null = key;
  console.log(id, bytes);
});
const writer = client.producer<string, Order>({ serializers: { value: jsonSerializer } });
await writer.send("orders", { key: "k", value: { id: 1 }, headers: { trace: "a" } });
// @ts-expect-error: the value is an Order
await writer.send("orders", { value: "1" });
const either: PartitionConsumer<Uint8Array, Order>[] = [
  orders,
  client.consumer({
    balance: true,
    group: "g",
    topics: ["orders"],
    deserializers: { value: jsonDeserializer<Order> },
  }),
];
for (const consumer of either) await consumer.eachBatch(({ records }) => console.log(records[0]?.value?.id), { concurrency: 2 });
stop();
`;

/** Options beyond "strict" that a program may set; they apply to our files too. */
const STRICTER = {
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noFallthroughCasesInSwitch: true,
  noPropertyAccessFromIndexSignature: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  verbatimModuleSyntax: true,
};

test.each([
  ["nodenext", "nodenext"],
  ["node16", "node16"],
  ["esnext", "bundler"],
])("with module %s and moduleResolution %s", async (module, moduleResolution) => {
  using directory = tempDir();
  const { path } = directory;
  mkdirSync(join(path, "node_modules"));
  symlinkSync(ROOT, join(path, "node_modules/rustlog"));
  symlinkSync(join(ROOT, "node_modules/bun-types"), join(path, "node_modules/bun-types"));
  writeFileSync(join(path, "package.json"), '{ "type": "module" }');
  writeFileSync(join(path, "program.ts"), PROGRAM);
  const compilerOptions = {
    ...STRICTER,
    ...{ module, moduleResolution, target: "esnext", types: ["bun-types"] },
    ...{ strict: true, noEmit: true, skipLibCheck: true },
  };
  writeFileSync(join(path, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  const child = Bun.spawn([process.execPath, "check", "--no-script", "--no-pretty", "-p", path], {
    cwd: path,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  expect({ errors: stdout, exitCode: await child.exited, stderr }).toMatchObject({
    errors: "",
    exitCode: 0,
  });
});
