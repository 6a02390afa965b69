// Every view against the rules of axe-core: names, roles, contrast in light and dark, and more. Also that no view is wider
// than the screen. Skipped without Chromium. Leaves to others: the order of the focus, and keys (each view's own tests).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { source as axe } from "axe-core";
import { type BrowserPage, CHROMIUM, type Screen } from "../../support/browser.js";
import type { Session } from "../../support/broker.js";
import { BROWSER_TIMEOUT_MS, pageBrowser } from "../../support/page-browser.js";
import { type PageSample, startPage, writeShop } from "../../support/page-sample.js";

const browser = pageBrowser();
let sample: PageSample;
/** So that there is a connection to show. */
let client: Session;

beforeAll(async () => {
  if (CHROMIUM === undefined) return;
  sample = await startPage();
  await writeShop(sample.broker);
  client = await sample.running.session();
  await client.ping();
}, BROWSER_TIMEOUT_MS);
afterAll(async () => {
  client?.[Symbol.dispose]();
  await sample?.[Symbol.asyncDispose]();
}, BROWSER_TIMEOUT_MS);

/** Addresses, and what is there once the view is complete. */
const PLACES: Readonly<Record<string, string>> = {
  "#/log": ".row .numbers strong",
  "#/log?tour=4": ".player .step h3",
  "#/records": ".records-view .empty-state a",
  "#/records/orders?record=0/5199": ".record-panel pre",
  "#/topics": ".topic-list tbody tr",
  "#/topics/orders?tab=settings": ".topic-page .documented",
  "#/groups": "#groups tbody tr",
  "#/groups/billing": ".findings li",
  "#/groups/billing?reset=earliest": ".plan tbody tr",
  "#/connections": "#connections td button",
  "#/produce": "#produce button",
};

const SCREENS: readonly Screen[] = [
  { width: 1280, height: 860 },
  { width: 360, height: 740, isDark: true },
];

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** What axe-core complains about, in words. */
async function violations(page: BrowserPage): Promise<string[]> {
  await page.evaluate(`${axe}; 0`);
  const found = await page.evaluate<readonly Violation[]>(
    "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)",
  );
  return found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
}

describe.skipIf(CHROMIUM === undefined)("accessibility", () => {
  test.each(SCREENS)(
    "no view breaks a rule, or is too wide, at %j",
    async (screen) => {
      const page = await browser.open(sample.url, screen);
      for (const [hash, complete] of Object.entries(PLACES)) {
        await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
        await page.until(`document.querySelector(${JSON.stringify(complete)})`);
        expect({ hash, found: await violations(page) }).toEqual({ hash, found: [] });
        const width = await page.evaluate<number>("document.documentElement.scrollWidth");
        expect({ hash, width }).toEqual({ hash, width: screen.width });
      }
      await page.evaluate("location.hash = '#/topics/orders'");
      await page.until("document.querySelector('[aria-label=\"Change retention.ms\"]')");
      await page.evaluate("document.querySelector('[aria-label=\"Change retention.ms\"]').click()");
      await page.until("document.querySelector('dialog .forecast p')");
      expect(await violations(page)).toEqual([]);
    },
    BROWSER_TIMEOUT_MS,
  );
});
