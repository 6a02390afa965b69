// Every view, and every dialog, against the rules of axe-core: names, roles, contrast in light and dark, and more. Also that
// no view is wider than the screen, and that a dialog gives the focus back. Skipped without Chromium. Leaves to others: the order of the focus, and keys (each view's own tests).
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
  await sample.broker.context.registry.create("customers", 1, { "cleanup.policy": "compact" });
  client = await sample.running.session();
  await client.ping();
  const { registry } = sample.broker.context;
  const reason = "its CRC";
  registry.faults.note(registry.partition("orders", 0), { kind: "damage", offset: 7, reason });
}, BROWSER_TIMEOUT_MS);
afterAll(async () => {
  client?.[Symbol.dispose]();
  await sample?.[Symbol.asyncDispose]();
}, BROWSER_TIMEOUT_MS);

/** Addresses, and what is there once the view is complete. */
const PLACES: Readonly<Record<string, string>> = {
  "#/log": ".row .numbers strong",
  "#/log?tour=4": ".player .step h3",
  "#/log/orders/0?segment=0&batch=0": ".records a",
  "#/topics?problems=1": "#problems li",
  "#/records": ".records-view .empty-state a",
  "#/records/orders?find=&in=tombstone&not=1&find=c&in=key&show=%24.order,%24.none&record=0/5199":
    ".record-panel pre",
  "#/topics": ".topic-list tbody tr",
  "#/topics/orders?tab=settings": ".topic-page .documented",
  "#/groups": "#groups tbody tr",
  "#/groups/billing": ".findings li",
  "#/groups/billing?reset=earliest": ".plan tbody tr",
  "#/connections": "#connections td button",
  "#/produce": "#produce button",
};

/** Dialogs: the place, the button that opens each, and what is there once the dialog is complete. */
const DIALOGS: readonly (readonly [string, string, string])[] = [
  ["#/topics", "Create a topic", "[name=name]"],
  ["#/topics/orders", "Add partitions", "[name=partitions]"],
  ["#/topics/orders", "Trim", "[name=before]"],
  ["#/topics/orders", "Delete", ".danger"],
  ["#/topics/customers", "Compact now", "[type=submit]"],
  ["#/topics/orders?tab=settings", "[aria-label='Change retention.ms']", ".forecast p"],
  ["#/groups/billing", "Delete group", ".danger"],
  ["#/connections", "Close", ".danger"],
];

const SCREENS: readonly Screen[] = [
  { width: 1280, height: 860 },
  { width: 360, height: 740, isDark: true },
];

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** What axe-core complains about, in words. */
async function violations(page: BrowserPage, part = "document"): Promise<string[]> {
  const found = await page.evaluate<readonly Violation[]>(
    `axe.run(${part}, { resultTypes: ['violations'] }).then(({ violations }) => violations)`,
  );
  return found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`);
}

describe.skipIf(CHROMIUM === undefined)("accessibility", () => {
  test.each(SCREENS)(
    "no view breaks a rule, or is too wide, at %j",
    async (screen) => {
      const page = await browser.open(sample.url, screen);
      await page.evaluate(`${axe}; 0`);
      for (const [hash, complete] of Object.entries(PLACES)) {
        await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
        await page.until(`document.querySelector(${JSON.stringify(complete)})`);
        expect({ hash, found: await violations(page) }).toEqual({ hash, found: [] });
        const width = await page.evaluate<number>("document.documentElement.scrollWidth");
        expect({ hash, width }).toEqual({ hash, width: screen.width });
      }
      for (const [hash, name, complete] of DIALOGS) {
        await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
        const opener = name.startsWith("[")
          ? `document.querySelector(${JSON.stringify(name)})`
          : `[...document.querySelectorAll("main button")].find(({ textContent }) => textContent === "${name}")`;
        await page.until(`${opener}?.checkVisibility()`);
        await page.evaluate(`${opener}.focus(), ${opener}.click()`);
        await page.until(`document.querySelector("dialog ${complete}")`);
        expect({ name, found: await violations(page, "'dialog'") }).toEqual({ name, found: [] });
        await page.press("Escape");
        await page.until("document.querySelector('dialog') === null");
        expect({ name, back: await page.evaluate(`document.activeElement === ${opener}`) }).toEqual(
          { name, back: true },
        );
      }
    },
    BROWSER_TIMEOUT_MS,
  );
});
