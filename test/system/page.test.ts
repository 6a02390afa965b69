// The live page from the executable, which contains its files. Leaves to others: what the page shows (test/http/).
import { expect, test } from "bun:test";
import { BrokerProcess } from "../support/binary.js";
import { tempDir } from "../support/tmp.js";
import { until } from "../support/until.js";

/** Bytes that a browser loads for the first view, uncompressed. */
const FIRST_VIEW_BYTES_MAX = 150_000;

/** Scripts that a script needs at once, and those that it loads when they are needed. */
const AT_ONCE = /\b(?:from|import)"(\/[^"]+)"/g;
const LATER = /\bimport\("(\/[^"]+)"\)/g;

test("the executable serves the page, which is small, and its other views, on request", async () => {
  using directory = tempDir();
  await using broker = await BrokerProcess.start(directory.path, "--ui", "0");
  const addressOf = () => /^Page on (http:\S+)$/m.exec(broker.lines.join("\n"))?.[1];
  await until(() => addressOf() !== undefined);
  const url = addressOf() ?? "";
  const textOf = async (path: string): Promise<string> => {
    const response = await fetch(new URL(path, url));
    expect(`${path} ${response.status}`).toBe(`${path} 200`);
    return await response.text();
  };
  const namesIn = (text: string, pattern: RegExp) =>
    [...text.matchAll(pattern)].map(([, name = ""]) => name);
  const html = await textOf("/");
  const due = namesIn(html, /(?:src|href)="(\/[^"]+)"/g);
  expect(due).toHaveLength(2);
  const files = new Map([["/", html]]);
  const later: string[] = [];
  for (const name of due) {
    if (files.has(name)) continue;
    const text = await textOf(name);
    files.set(name, text);
    due.push(...namesIn(text, AT_ONCE));
    later.push(...namesIn(text, LATER));
  }
  const bytes = [...files.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  expect(bytes).toBeLessThan(FIRST_VIEW_BYTES_MAX);
  // A view each, besides the first, and the list of what is wrong.
  expect(later).toHaveLength(6);
  for (const name of later) expect((await textOf(name)).length).toBeGreaterThan(1000);
  // The page's port serves monitoring, too.
  expect((await fetch(`${url}health`)).status).toBe(200);
}, 60_000);
