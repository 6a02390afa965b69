// The layout of the live page in a real browser: the panel of steps covers nothing important.
// Skipped without Chromium. Leaves to others: interaction (log.browser.ts).
import { describe, expect, test } from "bun:test";
import { type BrowserPage, CHROMIUM } from "../../../support/browser.js";
import { BROWSER_TIMEOUT_MS, lookUpOnPage, pageBrowser } from "../../../support/page-browser.js";
import { startPage, writeOrders, writeShop } from "../../../support/page-sample.js";

const browser = pageBrowser();

/** Looks something up in the topic that the form offers. */
async function lookUp(
  page: BrowserPage,
  topic: string,
  partition: number,
  target: string,
): Promise<void> {
  await page.until(`document.querySelector('#lookup [name=topic]')?.value === '${topic}'`);
  await page.evaluate(`document.querySelector('#lookup [name=partition]').value = ${partition}`);
  await lookUpOnPage(page, target);
}

describe.skipIf(CHROMIUM === undefined)("the live page", () => {
  test(
    "shows a lookup's row above the steps, although rows are created while scrolling",
    async () => {
      await using many = await startPage();
      const { registry, offsets } = many.broker.context;
      // The form offers a topic in which there is something to find.
      await registry.create("drafts", 1, {});
      await registry.create("wide", 200, {});
      await writeOrders(many.broker, "wide", 150, 400);
      const groups = ["the-one-with-a-long-name", "another-with-a-long-name"];
      const start = Array.from({ length: 200 }, (_, i) => ({ topic: "wide", partition: i }));
      for (const group of groups) {
        await offsets.commit(
          group,
          start.map((place) => ({ ...place, offset: 0 })),
        );
      }
      const page = await browser.open(many.url, { width: 360, height: 740 });
      await lookUp(page, "wide", 150, "300");
      const row = `document.querySelector('[data-partition="150"] .row')?.getBoundingClientRect()`;
      const player = "document.querySelector('#player').getBoundingClientRect()";
      await page.until(`${row}?.top > 0 && ${row}.bottom <= ${player}.top`);
      // All controls of the steps are visible without scrolling.
      await page.press("ArrowRight", "ArrowRight", "ArrowRight");
      const close = "document.querySelector('[data-key=close]').getBoundingClientRect()";
      await page.until(`${close}.bottom <= innerHeight`);
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "shows a batch beside the steps that led to it, not below them",
    async () => {
      await using sample = await startPage();
      await writeShop(sample.broker);
      const page = await browser.open(sample.url, { width: 1280, height: 860 });
      await lookUp(page, "orders", 0, "2500");
      await page.evaluate("document.querySelector('[data-key=open]').click()");
      await page.until("document.querySelectorAll('.records button').length === 8");
      const edge = (selector: string, side: string): Promise<number> =>
        page.evaluate(`document.querySelector('${selector}').getBoundingClientRect().${side}`);
      expect(await edge("#detail", "bottom")).toBeLessThanOrEqual(await edge("#player", "top"));
    },
    BROWSER_TIMEOUT_MS,
  );
});
