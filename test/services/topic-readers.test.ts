// The groups that read a topic: some at a time, and only those that the caller may see.
import { expect, test } from "bun:test";
import { EVERYONE } from "../../src/security/caller.js";
import { withCaller } from "../../src/services/context.js";
import { topicReaders } from "../../src/services/topic-readers.js";
import { openServices } from "../support/services.js";

const { signal } = new AbortController();

async function setUp() {
  const context = await openServices();
  await context.registry.create("read", 2, {});
  await context.registry.create("other", 1, {});
  for (const group of ["a", "b", "c"]) {
    await context.offsets.commit(group, [{ topic: "read", partition: 0, offset: 0 }]);
  }
  await context.offsets.commit("z", [{ topic: "other", partition: 0, offset: 0 }]);
  return context;
}

test("come as many at a time as are asked for", async () => {
  const context = await setUp();
  const namesFrom = async (after: string | undefined) => {
    const selection = { after, readersMax: 2, signal };
    const { readers, next } = await topicReaders(context, "read", selection);
    return [readers.map(({ group }) => group), next];
  };
  expect(await namesFrom(undefined)).toEqual([["a", "b"], "b"]);
  expect(await namesFrom("b")).toEqual([["c"], undefined]);
});

test("are left out if the caller may not see them, and the topic is refused likewise", async () => {
  const context = withCaller(await setUp(), {
    ...EVERYONE,
    may: (_operation, _type, name) => name === "read" || name === "b",
  });
  const all = { after: undefined, readersMax: 9, signal };
  const { readers } = await topicReaders(context, "read", all);
  expect(readers.map(({ group }) => group)).toEqual(["b"]);
  expect(topicReaders(context, "other", all)).rejects.toThrow("no permission DESCRIBE");
});

test("end with a name that the caller may see, however many others there are", async () => {
  const context = await setUp();
  const hidden = Array.from({ length: 20_001 }, (_, i) => `hidden-${i}`);
  await Promise.all(
    hidden.map((group) =>
      context.offsets.commit(group, [{ topic: "read", partition: 0, offset: 0 }]),
    ),
  );
  const limited = withCaller(context, {
    ...EVERYONE,
    may: (_, __, name) => !name.startsWith("hidden"),
  });
  const selection = { after: undefined, readersMax: 9, signal };
  const { readers, next } = await topicReaders(limited, "read", selection);
  expect([readers.map(({ group }) => group), next]).toEqual([["a", "b", "c"], undefined]);
});

test("are not looked for any longer when the caller has gone", async () => {
  const context = await setUp();
  const selection = { after: undefined, readersMax: 9, signal: AbortSignal.abort() };
  expect(await topicReaders(context, "read", selection)).toEqual({
    ...{ readers: [], next: undefined },
  });
});
