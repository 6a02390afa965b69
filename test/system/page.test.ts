// The live page from the executable, which contains its files. Leaves to others: what the page shows (test/http/).
import { expect, test } from "bun:test";
import { BrokerProcess } from "../support/binary.js";
import { tempDir } from "../support/tmp.js";
import { until } from "../support/until.js";

test("the executable serves the page, its script and its style, on request", async () => {
  using directory = tempDir();
  await using broker = await BrokerProcess.start(directory.path, "--ui", "0");
  const addressOf = () => /^Page on (http:\S+)$/m.exec(broker.lines.join("\n"))?.[1];
  await until(() => addressOf() !== undefined);
  const url = addressOf() ?? "";
  const html = await (await fetch(url)).text();
  const files = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? "");
  expect(files).toHaveLength(2);
  for (const path of files) {
    const response = await fetch(new URL(path, url));
    expect([response.status, (await response.text()).length > 1000]).toEqual([200, true]);
  }
  // The page's port serves monitoring, too.
  expect((await fetch(`${url}health`)).status).toBe(200);
}, 60_000);
