// The source tree itself: layers, reachability, comments.
// Leaves to others: the documents (documents.test.ts).
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { dirname, basename, join } from "node:path";
import { ERRORS } from "../../src/errors.js";
import {
  documentedMembers,
  exportsOf,
  folderOf,
  loadedWith,
  ROOT,
  sourceFiles,
  undocumented,
} from "./source-tree.js";

const FILES = sourceFiles();
const PATHS = new Set(FILES.map(({ path }) => path));

/** The entry points, which nothing imports. */
const ENTRIES = ["main.ts", "index.ts"];

/** The same of threads. */
const THREADS = ["log/compaction/compaction-worker.ts"];

/** Files of the root that every layer may import. */
const ROOT_FILES = [
  ...[
    "binary-search.ts",
    "cancelled.ts",
    "clock.ts",
    "collector.ts",
    "duration.ts",
    "errors.ts",
    "limits.ts",
  ],
  ...["natural-order.ts", "offset-place.ts", "printable.ts"],
];

/** The server sides of the protocols. Clients use only the codecs in the folders above them. */
const SERVERS = ["protocol/native/server", "protocol/kafka/server"];

/** What the page may import from elsewhere: it depends on nothing. */
const PAGE_IMPORTS = [
  ...["binary-search.js", "limits.js", "natural-order.js", "offset-place.js", "printable.js"],
  // Which needs murmur2.ts alone.
  "record/key-partition.js",
  "record/typed-bytes.js",
];

/** What a folder may import in addition to itself and the root files: folders, or single files of them. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  record: [],
  log: ["record"],
  topics: ["record", "log"],
  groups: ["record", "log", "topics"],
  security: ["record", "log", "topics"],
  services: ["record", "log", "topics", "groups", "security"],
  net: ["record/bytes.ts"],
  protocol: ["record/bytes.ts", "net"],
  ...Object.fromEntries(
    SERVERS.map((server) => [server, ["record", "security", "services", "net", "protocol"]]),
  ),
  broker: [
    "record",
    "log",
    "topics",
    "groups",
    "security",
    "services",
    "net",
    "protocol",
    ...SERVERS,
  ],
  client: ["record", "net", "protocol", "security/scram.ts"],
  inspection: ["record", "log", "topics", "groups"],
  http: [
    ...["record", "log", "topics", "groups", "security", "services", "net", "protocol"],
    ...["broker", "inspection"],
  ],
  cli: [
    ...["record", "log", "topics", "groups", "security", "services", "net", "protocol"],
    ...["broker", "client", "inspection", "http", "security"],
  ],
};

function layerOf(path: string): string {
  return SERVERS.find((server) => path.startsWith(`${server}/`)) ?? folderOf(path);
}

function protocolOf(path: string): string | undefined {
  return /^protocol\/(\w+)\//.exec(path)?.[1];
}

function mayImport(from: string, to: string): boolean {
  if (ENTRIES.includes(from)) return true;
  if (ROOT_FILES.includes(to)) return true;
  const layer = layerOf(from);
  if (layer === "") return false;
  if (layerOf(to) === layer) return true;
  const below = BELOW[layer] ?? [];
  return below.includes(layerOf(to)) || below.includes(to);
}

describe("the layers", () => {
  test("are all known", () => {
    const layers = new Set(FILES.map(({ path }) => layerOf(path)).filter((name) => name !== ""));
    expect([...layers].filter((name) => BELOW[name] === undefined)).toEqual([]);
  });

  test("import only downwards", () => {
    const wrong = FILES.flatMap(({ path, imports }) =>
      imports.filter((target) => !mayImport(path, target)).map((target) => `${path} → ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test("protocols don't know each other", () => {
    const wrong = FILES.flatMap(({ path, imports }) =>
      imports
        .filter((target) => protocolOf(path) !== undefined && protocolOf(target) !== undefined)
        .filter((target) => protocolOf(path) !== protocolOf(target))
        .map((target) => `${path} → ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test("classic groups and committed offsets don't know consumer groups", () => {
    const wrong = FILES.flatMap(({ path, imports }) =>
      imports
        .filter(() => /^groups\/(?:classic|offsets)\//.test(path))
        .filter((target) => target.startsWith("groups/consumer/"))
        .map((target) => `${path} → ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test("a broker without Kafka clients does not load the tables and handlers of Kafka's protocol", () => {
    const loaded = loadedWith("broker/broker.ts");
    expect(loaded).toContain("protocol/native/server/router.ts");
    expect(loaded.filter((path) => path.startsWith("protocol/kafka/"))).toEqual([
      "protocol/kafka/error-codes.ts",
      "protocol/kafka/headers.ts",
      "protocol/kafka/reader.ts",
      "protocol/kafka/server/call.ts",
      "protocol/kafka/server/cluster-of-one.ts",
      "protocol/kafka/server/dialect.ts",
      "protocol/kafka/server/last-request.ts",
      "protocol/kafka/server/session.ts",
      "protocol/kafka/writer.ts",
    ]);
  });

  test("the check finds an upward import", () => {
    expect(mayImport("log/log.ts", "topics/partition.ts")).toBe(false);
    expect(mayImport("net/frame.ts", "record/batch.ts")).toBe(false);
    expect(mayImport("client/link.ts", "log/disk/disk.ts")).toBe(false);
    expect(mayImport("client/link.ts", "protocol/native/server/router.ts")).toBe(false);
    expect(mayImport("protocol/native/produce.ts", "services/produce.ts")).toBe(false);
    expect(mayImport("net/connection.ts", "protocol/native/messages.ts")).toBe(false);
    expect(mayImport("errors.ts", "record/bytes.ts")).toBe(false);
    expect(mayImport("log/log.ts", "index.ts")).toBe(false);
    expect(mayImport("net/frame.ts", "record/bytes.ts")).toBe(true);
    expect(mayImport("errors.ts", "limits.ts")).toBe(true);
  });

  test("the protocol, the records and the use cases do no I/O", () => {
    const wrong = FILES.filter(({ path }) =>
      ["protocol", "record", "services"].includes(folderOf(path)),
    )
      .filter(({ text }) =>
        /from "(?:node:(?:fs|net|os|child_process)|bun)"|\bBun\.(?!hash\b)/.test(text),
      )
      .map(({ path }) => path);
    expect(wrong).toEqual([]);
  });

  test("the page, which runs in a browser, imports only types from elsewhere, and a few files that depend on nothing", () => {
    const wrong = FILES.filter(({ path }) => path.startsWith("http/page/")).flatMap(
      ({ path, text }) =>
        [...text.matchAll(/^import (?!type )[^;]*?"([^"]+)";/gm)]
          .map(([, target = ""]) => join(dirname(path), target))
          .filter((target) => !target.startsWith("http/page/") && !PAGE_IMPORTS.includes(target))
          .map((target) => `${path} → ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test("import only existing files", () => {
    const missing = FILES.flatMap(({ path, imports }) =>
      imports.filter((target) => !PATHS.has(target)).map((target) => `${path} → ${target}`),
    );
    expect(missing).toEqual([]);
  });
});

describe("imports", () => {
  test("form no cycles", () => {
    const importsOf = new Map(FILES.map(({ path, imports }) => [path, imports]));
    const reaches = (from: string, to: string, seen: Set<string>): boolean =>
      (importsOf.get(from) ?? []).some((target) => {
        if (target === to) return true;
        if (seen.has(target)) return false;
        seen.add(target);
        return reaches(target, to, seen);
      });
    expect([...PATHS].filter((path) => reaches(path, path, new Set()))).toEqual([]);
  });
});

describe("the files", () => {
  test("are all reached from the executable or the library", () => {
    const reached = new Set<string>();
    const reach = (path: string): void => {
      if (reached.has(path)) return;
      reached.add(path);
      for (const target of FILES.find((file) => file.path === path)?.imports ?? []) reach(target);
    };
    for (const entry of [...ENTRIES, ...THREADS]) reach(entry);
    // Compaction: the broker will call it.
    reach("log/compaction/compaction-thread.ts");
    expect([...PATHS].filter((path) => !reached.has(path))).toEqual([]);
  });

  test("begin with a comment that says what they are", () => {
    const wrong = FILES.filter(({ text }) => !/^(?:#![^\n]*\n)?\/\/ \S/.test(text));
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  test("name only existing files in their head comments", () => {
    const tests = readdirSync(join(ROOT, "test"), { recursive: true, encoding: "utf8" });
    const names = new Set([...PATHS, ...tests].map((path) => basename(path)));
    const wrong = FILES.flatMap(({ path, text }) => {
      const head = /^(?:(?:\/\/|#!)[^\n]*\n)+/.exec(text)?.[0] ?? "";
      return [...head.matchAll(/\b([a-z][a-z0-9-]*(?:\.test)?\.ts)\b/g)]
        .filter(([, name = ""]) => !names.has(name))
        .map(([, name]) => `${path}: ${name}`);
    });
    expect(wrong).toEqual([]);
  });

  test("hold no reminders and no ways around the types", () => {
    const wrong = FILES.filter(({ text }) =>
      /\b(?:TODO|FIXME|XXX)\b|@ts-(?:ignore|expect-error|nocheck)|: any\b|\bas any\b/.test(text),
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });
});

test("no two files declare a maximum, or export a constant, of the same name", () => {
  const declared = FILES.flatMap(({ path, text }) =>
    [...text.matchAll(/^(export )?const ([A-Z][A-Z0-9_]*)\b/gm)]
      .filter(([, exported, name = ""]) => exported !== undefined || name.endsWith("_MAX"))
      .map(([, , name = ""]) => ({ path, name })),
  );
  const wrong = declared.filter(({ name }, i) => declared.findIndex((d) => d.name === name) !== i);
  expect(wrong).toEqual([]);
});

describe("the public library", () => {
  test("has a doc comment on everything that index.ts exports, and on every public method", () => {
    const index = FILES.find(({ path }) => path === "index.ts")?.text ?? "";
    const shared = FILES.find(({ path }) => path === "client/partition-consumer.ts")?.text ?? "";
    const inherited = documentedMembers(shared);
    expect(inherited.size).toBeGreaterThan(10);
    const wrong = exportsOf(index).flatMap(({ path, names }) => {
      const text = FILES.find((file) => file.path === path)?.text ?? "";
      return undocumented(text, names, inherited).map((place) => `${path}:${place}`);
    });
    expect(wrong).toEqual([]);
  });

  test("the check finds a missing doc comment", () => {
    const text = [
      "/** Said. */",
      "export const said = 1;",
      "export function unsaid() {}",
      "/** A class. */",
      "export class Thing {",
      "  constructor() {}",
      "  /** Said. */",
      "  said(): void {}",
      "  unsaidMethod(): void {}",
      "  #hidden(): void {}",
      "}",
      "export class Internal {",
      "  unsaidMethod(): void {}",
      "}",
      "/** A class. */",
      "export class Other implements Shape {",
      "  saidThere(): void {}",
      "  unsaidThere(): void {}",
      "}",
    ].join("\n");
    const inherited = documentedMembers("  /** Said. */\n  saidThere(): void;\n  other: string;");
    const names = ["said", "unsaid", "Thing", "Other", "gone"];
    expect(undocumented(text, names, inherited)).toEqual([
      ...["3: unsaid", "9: unsaidMethod", "18: unsaidThere", "gone is not here"],
    ]);
    expect(exportsOf('export { Thing, type Option } from "./a/thing.js";')).toEqual([
      { path: "a/thing.ts", names: ["Thing", "Option"] },
    ]);
  });
});

describe("what people read", () => {
  test("a message has no full stop at its end, and a help has one", () => {
    // The command line joins the two: `CODE: message. Help.`
    const message =
      /\bnew (?:RustLogError|CliError|TypeError|RangeError)\(\s*(?:"[A-Z_]+",\s*)?(?:"[^"]*\."|`[^`]*\.`)/g;
    const wrong = FILES.flatMap(({ path, text }) =>
      [...text.matchAll(message)].map(([found]) => `${path}: ${found}`),
    );
    expect(wrong).toEqual([]);
    const helps = Object.entries(ERRORS).filter(([, { help }]) => !/[.?]$/.test(help));
    expect(helps).toEqual([]);
  });
});
