// Takes the pictures of the live page for the documents: bun run screenshots. Needs a Chromium, and ffmpeg for the
// recording. Leaves to others: the content (support/page-sample.ts), and how a recording is made (support/recording.ts).
import { join } from "node:path";
import { BatchEncoder } from "../src/record/encoder.js";
import { batchOf } from "./support/broker.js";
import { Browser, type BrowserPage, CHROMIUM } from "./support/browser.js";
import { startPage, writeShop } from "./support/page-sample.js";
import { FFMPEG, recordPage } from "./support/recording.js";

const DOCS = join(import.meta.dir, "../docs");
const WIDE = { width: 1280, height: 860 };
const RECORDED = { width: 1000, height: 640, isStill: false };

if (CHROMIUM === undefined) throw new Error("there is no chromium here; CHROMIUM=PATH names one");
await using sample = await startPage();
await writeShop(sample.broker);
await using browser = await Browser.start(CHROMIUM);

async function shop(screen: { width: number; height: number; isDark?: boolean }) {
  const page = await browser.open(sample.url, screen);
  await page.until("document.querySelectorAll('.row').length > 0");
  await page.evaluate("document.querySelector('.invitation button').click()");
  await settled(page);
  return page;
}

/** A drawing is complete once the page has requested nothing for half a second. */
async function settled(page: BrowserPage): Promise<void> {
  await page.evaluate(`new Promise((resolve) => {
    let timer = setTimeout(resolve, 500);
    new PerformanceObserver(() => {
      clearTimeout(timer);
      timer = setTimeout(resolve, 500);
    }).observe({ type: "resource" });
  })`);
}

/** Three orders of now. */
function ordersOf(first: number): Uint8Array {
  const encoder = new BatchEncoder();
  for (let i = first; i < first + 3; i++) {
    const customer = `customer-${(i * 31) % 97}`;
    const value = { order: 8000 + i, customer, total: ((i * 137) % 9000) / 100, items: ["lamp"] };
    encoder.append(Date.now(), customer, JSON.stringify(value));
  }
  return encoder.finish();
}

/** What a selector names is there. */
function shown(page: BrowserPage, selector: string): Promise<void> {
  return page.until(`document.querySelector(${JSON.stringify(selector)})`);
}

async function save(page: BrowserPage, name: string): Promise<void> {
  await settled(page);
  const path = join(DOCS, `page-${name}.png`);
  console.log(`${path}: ${await Bun.write(path, await page.screenshot())} bytes`);
  if (page.complaints.length > 0) throw new Error(page.complaints.join("\n"));
  // A browser has only six connections for all pages of a broker.
  await page.close();
}

const overview = await shop(WIDE);
// Produce at a varying rate until there is a curve to show.
using session = await sample.running.session();
for (let i = 0; i < 60; i++) {
  const values = Array.from({ length: 6 + Math.round(5 * Math.sin(i / 5)) }, (_, j) => `${i} ${j}`);
  await session.produce("orders", 3, batchOf(...values.map((value) => value.padEnd(60))));
  await session.fetch({ topic: "orders", partition: 3, offset: 2300, maxBytes: 1 + i * 20 });
  await Bun.sleep(100);
}
await save(overview, "overview");

const batch = await shop(WIDE);
await batch.click(".row .track", 0.2);
await batch.until("document.querySelector('.batches tbody button')");
await batch.click(".batches tbody tr:nth-child(3) button");
await batch.until("document.querySelector('.records button')");
await batch.click(".records li:nth-child(2) button");
await save(batch, "batch");

const lookup = await shop({ ...WIDE, isDark: true });
await lookup.click("[name=target]");
await lookup.type("2500");
await lookup.press("Enter");
await lookup.until("document.querySelector('.player:not([hidden]) .dot')");
await lookup.press("ArrowRight");
await save(lookup, "lookup");

const narrow = await shop({ width: 390, height: 844 });
await narrow.evaluate("document.querySelector('.topic').scrollIntoView()");
await save(narrow, "narrow");

const records = await browser.open(`${sample.url}#/records/orders?partition=0&from=-60`, WIDE);
await shown(records, ".record-list tbody tr:nth-child(40)");
await records.click(".record-list tbody tr:nth-child(40) button");
await shown(records, ".record-panel pre");
await save(records, "records");

if (FFMPEG === undefined) throw new Error("there is no ffmpeg here; FFMPEG=PATH names one");
const film = await shop(RECORDED);
const file = join(DOCS, "page.gif");
await recordPage(film, file, FFMPEG, async () => {
  await Bun.sleep(700);
  await film.click("[name=target]");
  for (const digit of "2500") {
    await film.type(digit);
    await Bun.sleep(150);
  }
  await film.press("Enter");
  await Bun.sleep(11_000);
  await film.click("[data-view=records]");
  await shown(film, ".record-list tbody tr");
  await Bun.sleep(700);
  await film.evaluate(
    "[...document.querySelectorAll('button')].find((it) => it.textContent === 'Live tail').click()",
  );
  for (let i = 0; i < 24; i++) {
    await session.produce("orders", 0, ordersOf(3 * i));
    await Bun.sleep(220);
  }
});
console.log(`${file}: ${Bun.file(file).size} bytes`);
if (film.complaints.length > 0) throw new Error(film.complaints.join("\n"));
