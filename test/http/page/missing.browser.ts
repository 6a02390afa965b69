// Addresses of what does not exist, in a real browser: each says what is missing, and offers a next step.
// Skipped without Chromium. Leaves to others: what exists (the views, a folder each).
import { describe, expect, test } from "bun:test";
import { CHROMIUM } from "../../support/browser.js";
import { BROWSER_TIMEOUT_MS, pageBrowser } from "../../support/page-browser.js";
import { startPage, writeOrders } from "../../support/page-sample.js";

const browser = pageBrowser();

const EMPTY = "[...document.querySelectorAll('#main .empty-state')].at(0)";

describe.skipIf(CHROMIUM === undefined)("an address of what does not exist", () => {
  test(
    "says what is missing and offers a next step, until it exists",
    async () => {
      await using sample = await startPage();
      const { registry } = sample.broker.context;
      await registry.create("orders", 1, {});
      await writeOrders(sample.broker, "orders", 0, 20);
      const page = await browser.open(`${sample.url}#/log/order`);
      const isSaid = async (hash: string, text: string, ...next: string[]): Promise<void> => {
        await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
        await page.until(`${EMPTY}?.textContent.includes(${JSON.stringify(text)})`);
        const links = await page.evaluate<string[]>(
          `[...${EMPTY}.querySelectorAll("a")].map((each) => each.textContent)`,
        );
        expect([hash, ...links]).toEqual([hash, ...next]);
      };
      const none = "There is no topic “order”. Did you mean one of these?";
      const create = ["orders", "All topics", "Create it"];
      await isSaid("#/log/order", none, ...create);
      await isSaid("#/records/order", none, ...create);
      await isSaid("#/topics/order", none, ...create);
      for (const name of ["..", "%2F", "a%3Fb", "a%23b", "x".repeat(300)]) {
        for (const view of ["log", "records", "topics"]) {
          await isSaid(`#/${view}/${name}`, "a name consists of letters, digits", "All topics");
        }
      }
      const two = "There is no partition 2 of orders: it has only partition 0.";
      await isSaid("#/log/orders/2", two, "All partitions of orders");
      await isSaid("#/records/orders?partition=2", two, "All partitions");
      const far = "There is no partition 999 of orders";
      await isSaid("#/topics/orders?from=999", far, "The first partitions");
      const beyond = "does not reach offset 999: its last record is at offset 19";
      await isSaid("#/records/orders?partition=0&from=999", beyond, "Show the newest records");
      await isSaid("#/groups/order", "There is no group “order”", "Similar groups", "All groups");
      await page.evaluate("location.hash = '#/log/orders/0?offset=999'");
      await page.until("document.querySelector('.row a[href*=\"offset=19\"]')");
      // There is no such order, so the list has its own.
      await page.evaluate("location.hash = '#/groups?order=nonsense'");
      await page.until(`${EMPTY}?.textContent.includes("There are no groups yet")`);
      await page.evaluate("location.hash = '#/connections?order=-nonsense'");
      await page.until(`${EMPTY}?.textContent.includes("No client is connected")`);
      await page.evaluate("location.hash = '#/nonsense'");
      await page.until("document.querySelector('.notice')");
      expect(await page.text(".notice p")).toContain("there is no view “nonsense”");

      for (const [view, shown] of [
        ["log", ".topic[open] .row"],
        ["records", ".records-shown:not([hidden]) .records-bar"],
        ["topics", ".topic-page .facts"],
      ] as const) {
        const name = `of-${view}`;
        await isSaid(`#/${view}/${name}`, "There is no topic", "All topics", "Create it");
        await registry.create(name, 1, {});
        await page.until(`!(${EMPTY}?.textContent.includes("There is no topic"))`);
        await page.until(`document.querySelector("${shown}")?.checkVisibility()`);
        await registry.delete(name);
        await page.until(`${EMPTY}?.textContent.includes("There is no topic")`);
      }
      await page.evaluate("document.querySelector('#main .empty-state a:last-child').click()");
      await page.until("document.querySelector('dialog [name=name]')?.value === 'of-topics'");
    },
    BROWSER_TIMEOUT_MS,
  );
});
