// A browser for the tests of one file, and the pages that they open in it. Tests with it are skipped without Chromium.
// Leaves to others: driving it (browser.ts), and the broker (page-sample.ts).
import { afterAll, afterEach, beforeAll, expect } from "bun:test";
import { Browser, type BrowserPage, CHROMIUM, type Screen } from "./browser.js";

if (CHROMIUM === undefined) {
  console.log("the live page was not tested in a browser: chromium not found (set CHROMIUM=PATH)");
}

/** Only a failing test takes this long, also on a machine with ten times as much to do. */
export const BROWSER_TIMEOUT_MS = 120_000;

export const WIDE: Screen = { width: 1280, height: 860 };

export interface PageBrowser {
  /** Opens a page. It is closed after the test, which fails if a script failed or the page broke its own rules. */
  open(url: string, screen?: Screen): Promise<BrowserPage>;
}

export function pageBrowser(): PageBrowser {
  let browser: Browser;
  let pages: BrowserPage[] = [];
  beforeAll(async () => {
    if (CHROMIUM !== undefined) browser = await Browser.start(CHROMIUM);
  }, BROWSER_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
  }, BROWSER_TIMEOUT_MS);
  afterEach(async () => {
    const opened = pages;
    pages = [];
    for (const page of opened) await page.close();
    // No script error, and nothing blocked by the Content-Security-Policy.
    expect(opened.flatMap(({ complaints }) => complaints)).toEqual([]);
  });
  return {
    async open(url, screen = WIDE) {
      const page = await browser.open(url, screen);
      pages.push(page);
      return page;
    },
  };
}

/** Looks a target up with the form of the log view, and waits for the first step. */
export async function lookUpOnPage(page: BrowserPage, target: string): Promise<void> {
  await page.until("document.querySelector('#lookup [name=topic]')?.value");
  // On a narrow screen the form is only there when it is asked for.
  await page.evaluate("document.querySelector('[aria-keyshortcuts=\"/\"]').click()");
  await page.type(target);
  await page.press("Enter");
  await page.until("document.querySelector('.player:not([hidden]) .step h3')");
}
