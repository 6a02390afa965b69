// The topics view in a real browser: the list, a topic, and the changes that are made there. Skipped without Chromium.
// Leaves to others: the answers (http/api/topics.test.ts), the sentences (consequences.test.ts).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { CHROMIUM, type BrowserPage } from "../../../support/browser.js";
import { BROWSER_TIMEOUT_MS, pageBrowser } from "../../../support/page-browser.js";
import { type PageSample, startPage, writeOrders } from "../../../support/page-sample.js";

const pages = pageBrowser();
let sample: PageSample;

beforeAll(async () => {
  sample = await startPage();
  const { registry } = sample.broker.context;
  for (const name of ["orders-10", "orders-2", "prices"]) {
    await registry.create(name, 1, name === "prices" ? { "cleanup.policy": "compact" } : {});
  }
  await writeOrders(sample.broker, "orders-2", 0, 1500);
  await writeOrders(sample.broker, "prices", 0, 200);
});
afterAll(() => sample?.[Symbol.asyncDispose]());

const find = (name: string) => sample.broker.context.registry.find(name);

/** The texts of the cells of a column. */
function column(page: BrowserPage, number: number): Promise<string[]> {
  return page.evaluate(
    `[...document.querySelectorAll("#main tbody tr")].map((row) => row.cells[${number}].textContent)`,
  );
}

async function fill(page: BrowserPage, name: string, text: string): Promise<void> {
  await page.evaluate(`(() => {
    const field = document.querySelector("dialog [name='${name}']");
    field.focus();
    field.select?.();
  })()`);
  await page.type(text);
}

/** Presses a button of this text. */
async function press(page: BrowserPage, text: string, within = "body"): Promise<void> {
  const button = `[...document.querySelectorAll("${within} button")].find((it) => it.textContent === ${JSON.stringify(text)} && !it.disabled)`;
  await page.until(button);
  await page.evaluate(`${button}.click()`);
}

const dialogSays = (text: string) =>
  `document.querySelector("dialog")?.textContent.includes(${JSON.stringify(text)})`;
const NO_DIALOG = "document.querySelector('dialog') === null";

describe.skipIf(CHROMIUM === undefined)("the topics view", () => {
  test(
    "lists topics, and creates, changes, trims, compacts and deletes one",
    async () => {
      const page = await pages.open(`${sample.url}#/topics`);
      await page.until("document.querySelectorAll('#main tbody tr').length === 3");
      expect(await column(page, 0)).toEqual(["orders-2", "orders-10", "prices"]);
      await page.until("document.querySelector('#main tbody tr').cells[2].textContent === '1,500'");
      await page.until(
        "document.querySelector('#main tbody tr').cells[6].textContent.endsWith(' ago')",
      );
      await page.evaluate("document.querySelector('th[data-column=size] button').click()");
      expect((await column(page, 0))[0]).toBe("orders-2");
      expect(await page.evaluate<string>("location.hash")).toBe("#/topics?order=-size");
      await page.evaluate("document.querySelector('[name=filter]').focus()");
      await page.type("10");
      expect(await column(page, 0)).toEqual(["orders-10"]);
      expect(await page.evaluate<string>("location.hash")).toBe("#/topics?order=-size&filter=10");
      await page.press("Enter");
      await page.until("document.title === 'orders-10 – Topics – RustLog'");
      await page.evaluate("document.querySelector('.view-head a').click()");
      await page.until("location.hash === '#/topics?order=-size&filter=10'");

      await press(page, "Create a topic");
      await page.until("document.querySelector('dialog [name=name]')");
      await fill(page, "name", "prices");
      await fill(page, "partitions", "2");
      await page.until(dialogSays("topic 'prices' already exists"));
      await fill(page, "name", "made");
      await press(page, "Add a setting", "dialog");
      await fill(page, "setting-value", "7d");
      await page.until(dialogSays("made will have 2 partitions. retention.ms 7 days; other"));
      await press(page, "Create", "dialog");
      await page.until("location.hash === '#/topics/made' && document.querySelector('.facts')");
      expect(find("made")?.settings).toEqual({ "retention.ms": "604800000" });
      expect(find("made")?.partitions).toHaveLength(2);

      // Another one with its settings. The focus is where the name is missing.
      await press(page, "Create one like it");
      await page.until("document.activeElement.name === 'name'");
      await page.type("made-2");
      await page.until(dialogSays("made-2 will have 2 partitions. retention.ms 7 days; other"));
      await page.press("Escape");
      await page.until(NO_DIALOG);

      await page.evaluate("location.hash = '#/topics/orders-2?tab=settings'");
      await page.until("document.querySelector('td [aria-label=\"Change retention.ms\"]')");
      await page.evaluate(
        "document.querySelector('td [aria-label=\"Change retention.ms\"]').click()",
      );
      await page.until(dialogSays("retention.ms will be no limit."));
      await fill(page, "retention.ms", "soon");
      await page.until(dialogSays("Invalid value soon for configuration retention.ms"));
      expect(await page.evaluate("document.querySelector('dialog [type=submit]').disabled")).toBe(
        true,
      );
      await fill(page, "retention.ms", "30d");
      await page.until(dialogSays("1,500 records in"));
      await fill(page, "retention.ms", "3650d");
      await page.until(dialogSays("No records are old or large enough"));
      await press(page, "Save", "dialog");
      await page.until(NO_DIALOG);
      expect(find("orders-2")?.settings).toEqual({ "retention.ms": "315360000000" });

      await press(page, "Trim");
      // It begins with a time, which deletes nothing until it is typed. The orders are a second apart.
      const time = await page.evaluate<string>(
        `(() => {
          const at = new Date(${Date.UTC(2026, 6, 1, 12, 10)});
          return new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16).replace("T", " ");
        })()`,
      );
      await fill(page, "before", time);
      await page.until(dialogSays("600 records ("));
      expect(
        await page.evaluate("document.querySelector('dialog tbody tr').innerText"),
      ).toStartWith("0\t0\t600\t600\t");
      // Enter in a field does not delete: it leads to the button that does.
      await page.press("Enter");
      expect(await page.evaluate("document.activeElement.type")).toBe("submit");
      expect(find("orders-2")?.online[0]?.logStartOffset).toBe(0);
      await page.evaluate(
        "(() => { const kind = document.querySelector('dialog [name=kind]'); kind.value = 'offset'; kind.dispatchEvent(new Event('change')); })()",
      );
      await fill(page, "before", "1000");
      await page.until(dialogSays("1,000 records ("));
      await press(page, "Delete records", "dialog");
      await page.until(NO_DIALOG);
      expect(find("orders-2")?.online[0]?.logStartOffset).toBe(1000);
      await page.evaluate("history.back()");
      await page.until("location.hash === '#/topics/made'");

      await page.evaluate("location.hash = '#/topics/prices'");
      await press(page, "Compact now");
      await press(page, "Compact", "dialog");
      await page.until(
        "document.querySelector('.compaction').textContent.includes('Removed 103 ')",
      );

      await page.evaluate("location.hash = '#/topics/orders-2'");
      await press(page, "Delete");
      await page.until(dialogSays("1 partition with 500 records"));
      await fill(page, "typed", "orders-2");
      await press(page, "Delete topic", "dialog");
      await page.until("location.hash === '#/topics' && document.querySelector('tbody tr')");
      expect(find("orders-2")).toBeUndefined();
      await page.until("document.querySelectorAll('#main tbody tr').length === 3");
    },
    BROWSER_TIMEOUT_MS,
  );
});
