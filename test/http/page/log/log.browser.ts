// The log view in a real browser: what is drawn, what works by mouse and keyboard, and many partitions and segments.
// Skipped without Chromium. Leaves to others: the responses (http/api/routes.test.ts).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { batchOf } from "../../../support/broker.js";
import { type BrowserPage, CHROMIUM } from "../../../support/browser.js";
import { makeOfflinePartition } from "../../../support/offline.js";
import {
  BROWSER_TIMEOUT_MS,
  lookUpOnPage,
  pageBrowser,
  WIDE,
} from "../../../support/page-browser.js";
import {
  type PageSample,
  startPage,
  writeOrders,
  writeSegments,
  writeShop,
} from "../../../support/page-sample.js";
import { tempDir } from "../../../support/tmp.js";

const NEXT_FRAME = "new Promise((resolve) => requestAnimationFrame(() => resolve()))";

const browser = pageBrowser();
let sample: PageSample;

beforeAll(async () => {
  if (CHROMIUM === undefined) return;
  sample = await startPage();
  await writeShop(sample.broker);
}, BROWSER_TIMEOUT_MS);
afterAll(async () => {
  await sample?.[Symbol.asyncDispose]();
}, BROWSER_TIMEOUT_MS);

async function open(screen = WIDE, url = sample.url): Promise<BrowserPage> {
  const page = await browser.open(url, screen);
  await page.until("document.querySelectorAll('.row .numbers strong').length > 0");
  return page;
}

/** Number of pixels of the first row's drawing with the colour of this name. */
function pixels(page: BrowserPage, colour: string, row = 0): Promise<number> {
  return page.evaluate(`(() => {
    const canvas = document.querySelectorAll(".track canvas")[${row}];
    const probe = document.createElement("canvas").getContext("2d");
    probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--${colour}");
    probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
      if (data[i] === r && data[i + 1] === g && data[i + 2] === b) count++;
    }
    return count;
  })()`);
}

describe.skipIf(CHROMIUM === undefined)("the live page", () => {
  test(
    "draws segments, index entries and marks, and describes them in words",
    async () => {
      const page = await open();
      expect(await page.text(".topic h2")).toBe("orders");
      expect(await page.text(".numbers strong")).toBe("high watermark 5,200");
      expect(await page.text(".groups")).toBe(
        "billing at 4,700, lag 500search-index at 1,200, lag 4,000",
      );
      await page.until("document.querySelector('.track canvas').width > 300");
      // A canvas does not know light-dark(), so the page has to compute it.
      const computed = "getComputedStyle(document.documentElement).getPropertyValue('--sealed')";
      expect(await page.evaluate<string>(computed)).toStartWith("rgb(");
      for (const colour of ["sealed", "active", "watermark", "group"]) {
        while ((await pixels(page, colour)) <= 20) await page.evaluate(NEXT_FRAME);
      }
      await page.until(
        "performance.getEntriesByType('resource').some(({ name }) => name.includes('/index?'))",
      );
      expect(await page.text("#status")).toBe("live");
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "moves its marks when records arrive and a group commits",
    async () => {
      const page = await open();
      const { registry, offsets } = sample.broker.context;
      const before = await page.evaluate<string>(
        "document.querySelectorAll('.numbers strong')[3].textContent",
      );
      await registry.partition("orders", 3).append(batchOf("one more"));
      const after = "high watermark 2,301";
      expect(before).toBe("high watermark 2,300");
      await page.until(
        `document.querySelectorAll('.numbers strong')[3].textContent === '${after}'`,
      );
      await offsets.commit("billing", [{ topic: "orders", partition: 3, offset: 2301 }]);
      await page.until("document.body.textContent.includes('billing at 2,301, lag 0')");
      await registry.create("fresh", 1, {});
      await page.until("document.body.textContent.includes('fresh')");
      await registry.delete("fresh");
      await page.until("!document.body.textContent.includes('fresh')");
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "opens a segment, a batch, its records and its bytes by clicks",
    async () => {
      const page = await open();
      await page.until("document.querySelector('.track canvas').width > 300");
      // Before they have arrived, only the active segment is known.
      await page.until(
        "performance.getEntriesByType('resource').some(({ name }) => name.includes('/orders/0/segments'))",
      );
      await page.click(".track", 0.05);
      await page.until("document.querySelectorAll('.batches tbody tr').length > 10");
      expect(await page.text("#detail h2")).toBe("orders 0, segment 0");
      expect(await page.text(".detail [role=status]")).toMatch(
        /^\d\d of about \d\d batches from position /,
      );
      const isWhole =
        "/^[789]\\d batches$/.test(document.querySelector('.detail [role=status]').textContent)";
      await page.evaluate("document.querySelector('.batches > button').click()");
      await page.until(isWhole);
      await page.evaluate("location.hash = '#/log/orders/0?segment=0&near=0'");
      await page.until("document.querySelectorAll('.batches tbody tr').length === 50");
      expect(await page.text(".detail [role=status]")).toMatch(/^50 of about \d\d batches$/);
      await page.evaluate("document.querySelector('.batch-list .pager button + button').click()");
      await page.until("document.querySelector('.batches tbody button').textContent !== '0'");
      await page.evaluate("document.querySelector('.batch-list .pager button').click()");
      await page.until("document.querySelector('.batches tbody button').textContent === '0'");
      await page.evaluate("document.querySelector('.batches').scrollTop = 1e6");
      await page.until(isWhole);
      await page.click(".batches tbody tr:nth-child(2) button");
      await page.until("document.querySelectorAll('.records button').length === 8");
      expect(await page.text(".records li:nth-child(2)")).toStartWith('9customer-63{"order":9,');
      await page.click(".records li:nth-child(2) button");
      const chosen = "document.querySelectorAll('.dump tr[aria-current]')";
      expect(await page.evaluate<string>(`${chosen}[0].textContent`)).toBe("record 1");
      const said = await page.evaluate<string>(
        `[...${chosen}].map((row) => row.textContent).join()`,
      );
      expect(said).toContain("offsetDelta1 (offset 9)");
      expect(await page.text(".dump")).toContain("crc0x");
      const hash = (): Promise<string> => page.evaluate("location.hash");
      expect(await hash()).toMatch(/^#\/log\/orders\/0\?segment=0&batch=[1-9]\d+$/);
      expect(
        await page.evaluate<string>("document.querySelector('.records li:nth-child(2) a').hash"),
      ).toBe("#/records/orders?partition=0&from=9");
      const batch = await hash();
      await page.evaluate("history.back()");
      await page.until("document.querySelector('.inside').childElementCount === 0");
      expect(await hash()).toBe("#/log/orders/0?segment=0&near=0");
      await page.evaluate("history.back()");
      await page.until("/near=[1-9]/.test(location.hash)");
      await page.evaluate("history.back()");
      await page.until("document.querySelector('#detail').hidden");
      await page.evaluate(`location.hash = '${batch}'`);
      await page.until("document.querySelectorAll('.records button').length === 8");
      expect(
        await page.evaluate("document.querySelectorAll('.batches [aria-current]').length"),
      ).toBe(1);
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "plays a lookup by keyboard alone",
    async () => {
      const page = await open();
      await lookUpOnPage(page, "2500");
      const title = (): Promise<string> => page.text(".player h3");
      expect(await title()).toBe("1. Find the segment");
      expect(await page.text(".player .lines")).toContain("starts at offset");
      await page.press("ArrowRight");
      expect(await title()).toBe("2. Search the offset index");
      await page.until("true");
      await page.press("ArrowRight", "ArrowRight");
      expect(await title()).toBe("4. Found");
      expect(await page.text(".player .step p")).toStartWith("Record 2,500 is number 5 of 8");
      await page.press("ArrowLeft");
      expect(await title()).toBe("3. Scan from batch to batch");
      await page.press("r");
      expect(await title()).toBe("1. Find the segment");
      await page.evaluate("document.querySelector('[data-key=open]').focus()");
      await page.press("Enter");
      await page.until("document.querySelectorAll('.records button').length === 8");
      expect(await page.text(".records li:nth-child(5) .offset")).toBe("2,500");
      await page.press("Escape", "Escape");
      expect(await page.evaluate<boolean>("document.querySelector('#player').hidden")).toBe(true);
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "finds a record by time, and explains an invalid target",
    async () => {
      const page = await open();
      await page.evaluate("document.querySelector('[name=target]').focus()");
      await page.type("soon");
      const edge = (selector: string, side: string): string =>
        `document.querySelector('${selector}').getBoundingClientRect().${side}`;
      const room = `${edge(".topic", "top")} - ${edge("#lookup", "bottom")}`;
      const before = await page.evaluate<number>(room);
      await page.press("Enter");
      await page.until("document.querySelector('#lookup .failure')");
      expect(await page.evaluate<number>(room)).toBe(before);
      await page.evaluate("document.querySelector('[name=target]').value = ''");
      await lookUpOnPage(page, "2026-07-01 12:10:00");
      expect(await page.text(".player h3")).toBe("1. Find the segment by time");
      const last = "document.querySelector('.dot:last-child').click()";
      await page.evaluate(last);
      expect(await page.text(".player .step p")).toStartWith("Record 600 ");
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "moves through a row by keyboard",
    async () => {
      const page = await open();
      await page.until("document.querySelector('.track canvas').width > 300");
      await page.evaluate("document.querySelector('.track').focus()");
      const value = (): Promise<string> =>
        page.evaluate("document.querySelector('.track').getAttribute('aria-valuetext') ?? ''");
      // The list of sealed segments may arrive after the canvas is drawn.
      do await page.press("Home");
      while (!(await value()).startsWith("segment 1 of 9"));
      await page.press("ArrowRight");
      expect(await value()).toStartWith("segment 2 of 9, sealed, offsets ");
      await page.press("+", "+", "]", "[", "0", "End");
      expect(await value()).toStartWith("segment 9 of 9, active");
      await page.press("Enter");
      await page.until("document.querySelectorAll('.batches tbody tr').length > 1");
      expect(await page.text("#detail h2")).toBe("orders 0, segment 5,000");
      await page.press("Escape");
      expect(await page.evaluate<string>("document.activeElement.className")).toBe("track");
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "fits a narrow screen, in dark and in light",
    async () => {
      const colours = new Set<string>();
      for (const isDark of [true, false]) {
        const page = await open({ width: 360, height: 740, isDark });
        await lookUpOnPage(page, "100");
        await page.evaluate("document.querySelector('[data-key=open]').click()");
        await page.until("document.querySelector('.records button')");
        const width = await page.evaluate<number>("document.documentElement.scrollWidth");
        expect(width).toBeLessThanOrEqual(360);
        colours.add(await page.evaluate("getComputedStyle(document.body).backgroundColor"));
      }
      expect(colours.size).toBe(2);
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "shows where a record is, and plays a lookup, at an address that can be shared",
    async () => {
      const page = await open(undefined, `${sample.url}#/log/orders/0?offset=2503`);
      await page.until("document.querySelector('.pin:not([hidden])')");
      const said = "[...document.querySelectorAll('.pin span')].map((each) => each.textContent)";
      const [offset, segment, batch, entry] = await page.evaluate<string[]>(said);
      expect(offset).toBe("offset 2,503");
      expect(segment).toMatch(/^segment [\d,]+ \(sealed\)$/);
      expect(batch).toMatch(/^batch at position [\d,]+, offsets 2,496 – 2,503$/);
      expect(entry).toMatch(/^index entry \d+, to position [\d,]+$/);
      await page.evaluate("document.querySelector('.pin a:nth-of-type(2)').click()");
      await page.until("document.querySelectorAll('.records button').length === 8");
      await page.evaluate("history.back()");
      await page.until("document.querySelector('#detail').hidden");
      await page.evaluate("document.querySelector('.pin a').click()");
      await page.until("document.querySelector('.player:not([hidden]) h2')");
      expect(await page.text(".player h2")).toBe("Where is offset 2,503?");
      await page.evaluate("history.back()");
      await page.until("document.querySelector('.player').hidden");
      await page.evaluate("location.hash = '#/log/orders/9'");
      await page.until("document.querySelector('.log-view > div > .empty-state')");
      expect(await page.text(".empty-state")).toContain("There is no partition 9 of orders");
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "shows 100 partitions a few at a time, and says what it no longer knows once the broker is gone",
    async () => {
      let page: BrowserPage;
      const problems = "document.querySelector('#problems').innerText";
      {
        await using many = await startPage();
        await many.broker.context.registry.create("wide", 100, {});
        await writeOrders(many.broker, "wide", 99, 100);
        page = await open(undefined, many.url);
        const places = "document.querySelectorAll('.place').length";
        const range = (): Promise<string> => page.text(".topic .pager [role=status]");
        expect(await page.evaluate<number>(places)).toBe(20);
        expect(await page.evaluate<number>("document.body.scrollHeight")).toBeLessThan(4000);
        expect(await range()).toBe("partitions 0 – 19 of 100");
        await page.evaluate("document.querySelector('.topic .pager button + button').click()");
        expect(await range()).toBe("partitions 20 – 39 of 100");
        await page.evaluate("location.hash = '#/log/wide/99'");
        await page.until("document.body.textContent.includes('high watermark 100')");
        expect(await range()).toBe("partitions 80 – 99 of 100");
        expect(await page.evaluate<number>(places)).toBe(20);
        await page.evaluate("document.querySelector('#problems-button').click()");
        await page.until(`${problems}.includes('has been up for')`);
        using session = await many.running.session();
        while ((await page.text(".received")) === "in 0 B/s") {
          await session.produce("wide", 0, batchOf("some traffic"));
        }
      }
      await page.until("document.querySelector('#status').classList.contains('lost')");
      expect(await page.text(".received")).toBe("in 0 B/s");
      expect(await page.evaluate<string>(problems)).toBe(
        "The broker does not respond: it is not known how it is.",
      );
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "shows a few rows of a large topic beside others, and a page of many topics",
    async () => {
      await using many = await startPage();
      const { registry } = many.broker.context;
      await registry.create("a-large-one", 50, {});
      for (let i = 0; i < 110; i++) await registry.create(`topic-${i}`, i < 2 ? 3 : 1, {});
      const page = await browser.open(many.url);
      const count = (selector: string) =>
        page.evaluate<number>(`document.querySelectorAll('${selector}').length`);
      await page.until("document.querySelectorAll('.topic').length > 0");
      expect(await count(".topic")).toBe(100);
      // 4 of the large one, 3 of each of two, and 14 more.
      expect(await count(".topic[open]")).toBe(17);
      expect(await count(".place")).toBe(24);
      expect(await page.evaluate<number>("document.body.scrollHeight")).toBeLessThan(9000);
      expect(await page.text(".topic .more")).toBe("Show 16 more of 50 partitions");
      await page.evaluate("document.querySelector('.topic .more').click()");
      expect(await page.evaluate("document.activeElement.ariaLabel")).toBe(
        "Segments of a-large-one, partition 4",
      );
      expect(await page.text(".topic .pager [role=status]")).toBe("partitions 0 – 19 of 50");
      expect(await count(".more")).toBe(1);
      expect(await page.text(".more")).toBe("Show 11 more of 111 topics");
      await page.evaluate("location.hash = '#/log/topic-108'");
      await page.until("document.querySelectorAll('.topic').length === 101");
      await page.evaluate("document.querySelector('.more').click()");
      expect(await page.evaluate("document.activeElement.textContent")).toStartWith("topic-99");
      expect(await count(".topic")).toBe(111);
      expect(await count(".more")).toBe(0);
      expect(await page.text(".topic:nth-child(110) h2")).toBe("topic-108");
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "keeps topics open or closed, and the focus in place, when a topic is created",
    async () => {
      await using many = await startPage();
      const { registry } = many.broker.context;
      for (let i = 10; i < 32; i++) await registry.create(`topic-${i}`, i < 13 ? 8 : 2, {});
      const page = await browser.open(many.url);
      const isOpen = (topic: string) =>
        page.evaluate<boolean>(
          `[...document.querySelectorAll('.topic')].find((each) => each.querySelector('h2').textContent === '${topic}').open`,
        );
      await page.until("document.querySelectorAll('.topic').length === 22");
      expect(await isOpen("topic-13")).toBe(false);
      await page.evaluate("document.querySelectorAll('.topic summary')[3].click()");
      await page.evaluate("document.querySelectorAll('.topic summary')[3].focus()");
      await page.until(
        "document.querySelectorAll('.topic')[3].querySelectorAll('.numbers strong').length === 2",
      );
      await registry.create("topic-11b", 1, {});
      await page.until("document.querySelectorAll('.topic').length === 23");
      expect(await isOpen("topic-13")).toBe(true);
      expect(await isOpen("topic-14")).toBe(false);
      expect(await page.evaluate("document.activeElement.textContent")).toStartWith("topic-13");
      expect(await page.text(".topic:nth-child(3) h2")).toBe("topic-11b");
      await page.evaluate("document.querySelector('[name=filter]').focus()");
      await page.type("IC-3");
      const listed = "[...document.querySelectorAll('.topic:not([hidden]) h2')]";
      expect(await page.evaluate(`${listed}.map((each) => each.textContent).join()`)).toBe(
        "topic-30,topic-31",
      );
      expect(await page.evaluate("location.hash")).toBe("#/log?filter=IC-3");
      await page.evaluate("location.hash = '#/log/topic-13'");
      await page.until(`${listed}.length === 23`);
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "leads to the place of an offline partition, which says why it is offline",
    async () => {
      using directory = tempDir();
      await makeOfflinePartition(directory.path);
      await using broken = await startPage({ dataDir: directory.path });
      for (const name of ["a", "b", "c"]) await broken.broker.context.registry.create(name, 8, {});
      const page = await browser.open(`${broken.url}#/log/t/0`);
      const isSeen = `(() => {
        const text = [...document.querySelectorAll('.place .failure')].find((it) =>
          it.textContent.startsWith('partition 0 is offline: '));
        const { top, bottom } = text?.getBoundingClientRect() ?? {};
        return bottom > top && top > 0 && bottom < innerHeight;
      })()`;
      await page.until(`scrollY > 0 && ${isSeen}`);
      // Also from another view, of which nothing is left on the screen.
      await page.evaluate("location.hash = '#/topics'");
      await page.until("document.title === 'Topics – RustLog'");
      await page.evaluate("location.hash = '#/log/t/0'");
      await page.until(`scrollY > 0 && ${isSeen}`);
      expect(await page.evaluate("document.querySelectorAll('.notice').length")).toBe(0);
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "handles 10,000 segments in a row, and finds positions in them",
    async () => {
      using directory = tempDir();
      await writeSegments(directory.path, "long", 10_000);
      await using many = await startPage({ dataDir: directory.path });
      const page = await open(WIDE, many.url);
      await page.until(
        "document.querySelector('.numbers').textContent.includes('10,000 segments')",
      );
      await page.until("document.querySelector('.track canvas').width > 300");
      await page.evaluate("document.querySelector('.track').focus()");
      await page.press("Home");
      await page.until(
        "document.querySelector('.track').ariaValueText?.startsWith('segment 1 of 10,000')",
      );
      await page.press("Enter");
      await page.until("document.querySelectorAll('.batches tbody tr').length === 1");
      await lookUpOnPage(page, "7654");
      await page.press("ArrowRight", "ArrowRight", "ArrowRight");
      expect(await page.text(".player .step p")).toStartWith("Record 7,654 is number 1 of 1");
    },
    BROWSER_TIMEOUT_MS,
  );
});
