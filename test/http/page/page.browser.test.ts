// The live page in a real browser: what is drawn, what works by mouse and keyboard, and many partitions and segments.
// Skipped without Chromium. Leaves to others: the responses (http/api/routes.test.ts).
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { batchOf } from "../../support/broker.js";
import { Browser, type BrowserPage, CHROMIUM } from "../../support/browser.js";
import { joinGroup } from "../../support/group-members.js";
import {
  type PageSample,
  startPage,
  writeOrders,
  writeSegments,
  writeShop,
} from "../../support/page-sample.js";
import { KafkaClient } from "../../support/kafka-client.js";
import { addUsers } from "../../support/page-users.js";
import { tempDir } from "../../support/tmp.js";

const NEXT_FRAME = "new Promise((resolve) => requestAnimationFrame(() => resolve()))";

const WIDE = { width: 1280, height: 860 };
const TIMEOUT_MS = 30_000;

if (CHROMIUM === undefined) {
  console.log("the live page was not tested in a browser: chromium not found (set CHROMIUM=PATH)");
}

let browser: Browser;
let sample: PageSample;
let pages: BrowserPage[] = [];

beforeAll(async () => {
  if (CHROMIUM === undefined) return;
  browser = await Browser.start(CHROMIUM);
  sample = await startPage();
  await writeShop(sample.broker);
}, TIMEOUT_MS);
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await sample?.[Symbol.asyncDispose]();
}, TIMEOUT_MS);
afterEach(async () => {
  const opened = pages;
  pages = [];
  for (const page of opened) await page.close();
  // No script error, and nothing blocked by the Content-Security-Policy.
  expect(opened.flatMap(({ complaints }) => complaints)).toEqual([]);
});

async function open(screen: Parameters<Browser["open"]>[1] = WIDE, url = sample.url) {
  const page = await browser.open(url, screen);
  pages.push(page);
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

async function lookUp(page: BrowserPage, target: string): Promise<void> {
  await page.evaluate("document.querySelector('[name=target]').focus()");
  await page.type(target);
  await page.press("Enter");
  await page.until("document.querySelector('.player:not([hidden]) .step h3')");
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
      for (const colour of ["sealed", "active", "watermark", "group"]) {
        while ((await pixels(page, colour)) <= 20) await page.evaluate(NEXT_FRAME);
      }
      await page.until(
        "performance.getEntriesByType('resource').some(({ name }) => name.includes('/index?'))",
      );
      expect(await page.text("#status")).toBe("live");
    },
    TIMEOUT_MS,
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
    TIMEOUT_MS,
  );

  test(
    "opens a segment, a batch, its records and its bytes by clicks",
    async () => {
      const page = await open();
      await page.until("document.querySelector('.track canvas').width > 300");
      await page.click(".track", 0.05);
      await page.until("document.querySelectorAll('.batches tbody tr').length > 10");
      expect(await page.text("#detail h2")).toBe("orders 0, segment 0");
      await page.evaluate("document.querySelector('.pager button').click()");
      await page.until("document.querySelector('.batches tbody button')?.textContent === '0'");
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
    },
    TIMEOUT_MS,
  );

  test(
    "plays a lookup by keyboard alone",
    async () => {
      const page = await open();
      await lookUp(page, "2500");
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
    TIMEOUT_MS,
  );

  test(
    "finds a record by time, and explains an invalid target",
    async () => {
      const page = await open();
      await page.evaluate("document.querySelector('[name=target]').focus()");
      await page.type("soon");
      await page.press("Enter");
      await page.until("document.querySelector('#lookup .failure')");
      await page.evaluate("document.querySelector('[name=target]').value = ''");
      await lookUp(page, "2026-07-01 12:10:00");
      expect(await page.text(".player h3")).toBe("1. Find the segment by time");
      const last = "document.querySelector('.dot:last-child').click()";
      await page.evaluate(last);
      expect(await page.text(".player .step p")).toStartWith("Record 600 ");
    },
    TIMEOUT_MS,
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
    TIMEOUT_MS,
  );

  test(
    "produces a record and follows it, showing its content as text",
    async () => {
      const page = await open();
      const value = `<img src=x onerror="document.title='hacked'">`;
      await page.evaluate("document.querySelector('#produce [name=partition]').value = 1");
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
      expect(await page.evaluate<string>("document.title")).toBe("RustLog");
    },
    TIMEOUT_MS,
  );

  test(
    "fits a narrow screen, in dark and in light",
    async () => {
      const colours = new Set<string>();
      for (const isDark of [true, false]) {
        const page = await open({ width: 360, height: 740, isDark });
        await lookUp(page, "100");
        await page.evaluate("document.querySelector('[data-key=open]').click()");
        await page.until("document.querySelector('.records button')");
        const width = await page.evaluate<number>("document.documentElement.scrollWidth");
        expect(width).toBeLessThanOrEqual(360);
        colours.add(await page.evaluate("getComputedStyle(document.body).backgroundColor"));
      }
      expect(colours.size).toBe(2);
    },
    TIMEOUT_MS,
  );

  test(
    "handles 200 partitions, creating only the visible rows",
    async () => {
      await using many = await startPage();
      await many.broker.context.registry.create("wide", 200, {});
      await writeOrders(many.broker, "wide", 199, 100);
      const page = await open(WIDE, many.url);
      const rows = "document.querySelectorAll('.row').length";
      expect(await page.evaluate<number>("document.querySelectorAll('.place').length")).toBe(200);
      expect(await page.evaluate<number>(rows)).toBeLessThan(40);
      await page.evaluate("window.scrollTo(0, document.body.scrollHeight)");
      await page.until("document.body.textContent.includes('high watermark 100')");
      expect(await page.evaluate<number>(rows)).toBeLessThan(80);
    },
    TIMEOUT_MS,
  );

  test(
    "keeps topics open or closed, and the focus in place, when a topic is created",
    async () => {
      await using many = await startPage();
      const { registry } = many.broker.context;
      for (let i = 10; i < 32; i++) await registry.create(`topic-${i}`, 2, {});
      const page = await browser.open(many.url, WIDE);
      pages.push(page);
      const isOpen = (topic: string) =>
        page.evaluate<boolean>(
          `[...document.querySelectorAll('.topic')].find((each) => each.querySelector('h2').textContent === '${topic}').open`,
        );
      await page.until("document.querySelectorAll('.topic').length === 22");
      expect(await isOpen("topic-12")).toBe(false);
      await page.evaluate("document.querySelectorAll('.topic summary')[2].click()");
      await page.evaluate("document.querySelectorAll('.topic summary')[2].focus()");
      await page.until("document.querySelectorAll('.topic .numbers strong').length === 2");
      await registry.create("topic-11b", 1, {});
      await page.until("document.querySelectorAll('.topic').length === 23");
      expect(await isOpen("topic-12")).toBe(true);
      expect(await isOpen("topic-13")).toBe(false);
      expect(await page.evaluate("document.activeElement.textContent")).toStartWith("topic-12");
      expect(await page.text(".topic:nth-child(3) h2")).toBe("topic-11b");
    },
    TIMEOUT_MS,
  );

  test(
    "lists the connections with their protocols",
    async () => {
      using kafka = await KafkaClient.connect(sample.broker.port);
      const software = { clientSoftwareName: "franz-go", clientSoftwareVersion: "1.22.3" };
      await kafka.call(KAFKA_APIS.ApiVersions, 3, software);
      const page = await open();
      await page.until(
        "document.querySelector('#connections summary').textContent === '1 connection: 1 kafka'",
      );
      await page.evaluate("document.querySelector('#connections').open = true");
      const cells = await page.evaluate<string>(
        "[...document.querySelectorAll('#connections td')].slice(0, 3).map((cell) => cell.textContent).join()",
      );
      expect(cells).toBe("kafka,test,franz-go 1.22.3");
    },
    TIMEOUT_MS,
  );

  test(
    "shows the lag of each group, its members, and filters the groups",
    async () => {
      await using shop = await startPage({ offsets: "memory" });
      const { registry, offsets, groups } = shop.broker.context;
      await registry.create("t", 2, {});
      await registry.partition("t", 1).append(batchOf("a", "b", "c"));
      for (let i = 0; i < 300; i++) {
        await offsets.commit(`group-${1000 + i}`, [{ topic: "t", partition: 0, offset: 0 }]);
      }
      const page = await open(WIDE, shop.url);
      await page.until(
        "document.querySelector('#groups summary').textContent === '300 consumer groups'",
      );
      await page.evaluate("document.querySelector('#groups').open = true");
      expect(await page.text("#groups li")).toBe("group-1000: Empty, lag 3 in 2 partitions");
      expect(await page.text("#groups .empty")).toBe("There are more: filter by name.");
      await page.evaluate("document.querySelector('#groups input').focus()");
      await page.type("1299");
      await page.until("document.querySelectorAll('#groups li').length === 1");
      expect(await page.text("#groups li")).toBe("group-1299: Empty, lag 3 in 2 partitions");
      await page.until(
        "document.querySelectorAll('.row .groups')[1].textContent === 'group-1299 has committed nothing, lag 3'",
      );
      await page.evaluate("document.querySelector('#groups input').select()");
      await page.type("shared");
      const [member] = await joinGroup(groups, "shared", [
        { clientId: "app", assigned: { t: [1] } },
      ]);
      await page.until(
        "document.querySelector('#groups li')?.textContent.startsWith('shared: Stable')",
      );
      expect(await page.text("#groups li")).toBe(
        "shared: Stable, 1 member, lag 3 in 2 partitionsapp at 10.0.0.7: t 1 lag 3",
      );
      expect(await page.evaluate("document.querySelectorAll('.row .groups')[1].textContent")).toBe(
        "shared has committed nothing, lag 3, read by app at 10.0.0.7",
      );
      groups.leave("shared", [{ memberId: member!, instanceId: null }]);
      await page.until("document.querySelectorAll('#groups li').length === 0");
    },
    TIMEOUT_MS,
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
      await lookUp(page, "7654");
      await page.press("ArrowRight", "ArrowRight", "ArrowRight");
      expect(await page.text(".player .step p")).toStartWith("Record 7,654 is number 1 of 1");
    },
    TIMEOUT_MS,
  );

  test(
    "asks for a login once there are users, and shows who is logged in",
    async () => {
      await using secured = await startPage();
      await secured.broker.context.registry.create("orders", 1, {});
      await writeOrders(secured.broker, "orders", 0, 10);
      const page = await browser.open(secured.url, WIDE);
      pages.push(page);
      await page.until("document.querySelectorAll('.row .numbers strong').length > 0");
      expect(await page.evaluate("document.querySelector('#user').hidden")).toBe(true);
      await addUsers(secured.broker.context, { ann: ["READ TOPIC orders"], root: "everything" });
      const logIn = async (user: string): Promise<void> => {
        await page.until("document.querySelector('[name=password]')");
        await page.evaluate("document.querySelector('[name=user]').focus()");
        await page.type(user);
        await page.evaluate("document.querySelector('[name=password]').focus()");
        await page.type(user);
        await page.press("Enter");
        await page.until("document.querySelectorAll('.row .numbers strong').length > 0");
      };
      await logIn("ann");
      expect(await page.text("#user span")).toBe("ann");
      expect(await page.evaluate("document.querySelector('#produce').hidden")).toBe(true);
      expect(await page.evaluate("document.querySelector('#lookup').hidden")).toBe(false);
      expect(await page.text("#totals")).not.toContain("connections");
      await lookUp(page, "3");
      await page.evaluate("document.querySelector('#user button').click()");
      await logIn("root");
      expect(await page.text("#user span")).toBe("root");
      await page.evaluate("document.querySelector('#produce [name=value]').focus()");
      await page.type("hello");
      await page.press("Enter");
      await page.until("document.querySelector('.player:not([hidden]) .step h3')");
      expect(await page.evaluate("document.cookie")).toBe("");
    },
    TIMEOUT_MS,
  );
});
