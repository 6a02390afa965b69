// The produce view in a real browser.
// Skipped without Chromium. Leaves to others: the answers (api/routes.test.ts).
import { describe, expect, test } from "bun:test";
import { CHROMIUM } from "../../../support/browser.js";
import { BROWSER_TIMEOUT_MS, pageBrowser } from "../../../support/page-browser.js";
import { startPage, writeShop } from "../../../support/page-sample.js";

const browser = pageBrowser();

describe.skipIf(CHROMIUM === undefined)("the produce view", () => {
  test(
    "produces a record and follows it, showing its content as text",
    async () => {
      await using sample = await startPage();
      await writeShop(sample.broker);
      const page = await browser.open(`${sample.url}#/produce?topic=orders&partition=1`);
      await page.until("document.querySelector('#produce [name=topic]')");
      const value = `<img src=x onerror="document.title='hacked'">`;
      await page.evaluate("document.querySelector('[name=key]').focus()");
      await page.type("<b>key</b>");
      await page.evaluate("document.querySelector('[name=value]').focus()");
      await page.type(value);
      await page.press("Enter");
      await page.until("document.querySelector('.player:not([hidden]) .step h3')");
      expect(await page.text(".player h2")).toBe("How record 4,100 got into orders, partition 1");
      await page.press("ArrowRight");
      expect(await page.text(".player h3")).toBe("2. Offset 4,100");
      await page.evaluate("document.querySelector('[data-key=open]').click()");
      await page.until("document.querySelectorAll('.records button').length === 1");
      expect(await page.text(".records .key")).toBe("<b>key</b>");
      expect(await page.text(".records .value")).toBe(value);
      expect(await page.evaluate<number>("document.querySelectorAll('#detail img').length")).toBe(
        0,
      );
      expect(await page.evaluate<string>("document.title")).toBe("Log – RustLog");
    },
    BROWSER_TIMEOUT_MS,
  );
});
