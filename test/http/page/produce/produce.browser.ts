// The produce view in a real browser.
// Skipped without Chromium. Leaves to others: the answers (api/produce.test.ts), the words (produce-words.test.ts).
import { describe, expect, test } from "bun:test";
import { CHROMIUM } from "../../../support/browser.js";
import { BROWSER_TIMEOUT_MS, pageBrowser } from "../../../support/page-browser.js";
import { startPage } from "../../../support/page-sample.js";

const browser = pageBrowser();

describe.skipIf(CHROMIUM === undefined)("the produce view", () => {
  test(
    "sends records of all kinds, keeps the form for the next one, and follows one",
    async () => {
      await using sample = await startPage();
      const { registry } = sample.broker.context;
      await registry.create("orders", 10, {});
      await registry.create("states", 1, { "cleanup.policy": "compact" });
      // Of two topics, none is chosen for a person.
      const empty = await browser.open(`${sample.url}#/produce`);
      await empty.until("document.querySelector('#totals dd')?.textContent === '2'");
      await empty.until("document.querySelector('#produce [name=topic]')?.value === ''");
      const page = await browser.open(`${sample.url}#/produce?topic=orders&key=21`);
      await page.until("document.querySelector('.field-partition small')?.textContent > ''");
      expect(await page.text(".field-partition small")).toBe("by the key: partition 0 of 10");
      const enter = async (selector: string, text: string): Promise<void> => {
        await page.evaluate(`(() => {
          const input = document.querySelector(${JSON.stringify(selector)});
          input.value = "";
          input.focus();
        })()`);
        await page.type(text);
      };
      await page.evaluate("document.querySelector('.headers > button').click()");
      // Enter goes on to the next field, and sends nothing.
      for (const text of ["trace", "1", "source", "shop"]) {
        await page.type(text);
        await page.press("Enter");
      }
      const rows = await page.evaluate<
        string[][]
      >(`[...document.querySelectorAll(".header-row")].map(
        (row) => [...row.querySelectorAll("input")].map(({ value }) => value))`);
      expect(rows).toEqual([
        ["trace", "1"],
        ["source", "shop"],
        ["", ""],
      ]);
      await page.evaluate("document.querySelector('.header-row:last-child button').click()");
      await page.press("Enter");
      expect(await page.evaluate<string>("document.activeElement.ariaLabel")).toBe("value");
      await enter("[name=value]", "two\nlines");
      await page.evaluate(`document.activeElement.dispatchEvent(
        new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, bubbles: true, cancelable: true }))`);
      await page.until("document.querySelector('.sent li')");
      expect(await page.text(".sent span")).toBe(
        "orders: offset 0 in partition 0 of 10, chosen by the key.",
      );
      expect(await page.evaluate<string>("document.querySelector('.sent a').hash")).toBe(
        "#/records/orders?partition=0&from=0&record=0%2F0",
      );
      const { address: hash, value } = await page.evaluate<{ address: string; value: string }>(
        "({ address: location.hash, value: document.querySelector('[name=value]').value })",
      );
      expect(hash).toBe("#/produce?topic=orders&key=21");
      expect(value).toBe("two\nlines");
      // A compacted topic needs a key, and the focus goes where it is missing.
      await enter("[name=topic]", "states");
      expect(await page.text(".field-topic small")).toBe("compacted: each record needs a key");
      await page.evaluate("document.querySelector('[name=tombstone]').click()");
      await enter("[name=key]", " ");
      await page.evaluate("document.querySelector('[name=key]').value = ''");
      await page.evaluate("document.querySelector('#produce [type=submit]').click()");
      await page.until("document.querySelector('#produce .failure')");
      expect(await page.text("#produce .said")).toContain("each record needs a key");
      expect(await page.evaluate<string>("document.activeElement.name")).toBe("key");
      await page.type("a");
      const send = () => page.evaluate("document.querySelector('#produce [type=submit]').click()");
      await send();
      await page.until("document.querySelectorAll('.sent li').length === 2");
      // A mistyped topic is not created; one that is meant is.
      for (const isMeant of [false, true]) {
        await enter("[name=topic]", isMeant ? "fresh" : "ordres");
        await send();
        await page.until("document.querySelector('dialog')");
        if (isMeant) {
          await page.evaluate("document.querySelector('dialog [type=submit]').click()");
        } else {
          expect(await page.text("dialog h2")).toBe("Create topic ordres?");
          await page.evaluate("document.querySelector('dialog .similar button').click()");
        }
        await page.until("document.querySelector('dialog') === null");
        if (isMeant) continue;
        expect(await page.evaluate<string>("document.querySelector('[name=topic]').value")).toBe(
          "orders",
        );
      }
      await page.until("document.querySelectorAll('.sent li').length === 3");
      expect(await page.text(".sent span")).toStartWith("fresh: offset 0 in partition 0");
      expect(registry.find("ordres")).toBeUndefined();
      // Followed on the drawing, and what is in it is shown as text.
      const markup = `<img src=x onerror="document.title='hacked'">`;
      await enter("[name=topic]", "orders");
      await enter("[name=partition]", "1");
      await enter("[name=key]", "<b>key</b>");
      await page.evaluate("document.querySelector('[name=tombstone]').click()");
      await enter("[name=value]", markup);
      await page.evaluate(
        "document.querySelector('#produce .actions button:nth-child(2)').click()",
      );
      await page.until("document.querySelector('.player:not([hidden]) .step h3')");
      expect(await page.text(".player h2")).toBe("How record 0 got into orders, partition 1");
      await page.press("ArrowRight");
      expect(await page.text(".player h3")).toBe("2. Encoded as a batch");
      await page.evaluate("document.querySelector('[data-key=open]').click()");
      await page.until("document.querySelectorAll('.records button').length === 1");
      expect(await page.text(".records .key")).toBe("<b>key</b>");
      expect(await page.text(".records .value")).toBe(markup);
      expect(await page.evaluate<number>("document.querySelectorAll('#detail img').length")).toBe(
        0,
      );
      expect(await page.evaluate<string>("document.title")).toEndWith(" – RustLog");
    },
    BROWSER_TIMEOUT_MS,
  );
});
