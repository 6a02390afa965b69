// The records view in a real browser: browsing, one record, keys, search, and the live tail. Skipped without Chromium.
// Leaves to others: the answers (http/api/records.test.ts), and what is pure (record-text.test.ts).
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { BatchEncoder } from "../../../../src/record/encoder.js";
import { type BrowserPage, CHROMIUM } from "../../../support/browser.js";
import { BROWSER_TIMEOUT_MS, pageBrowser } from "../../../support/page-browser.js";
import { type PageSample, startPage, writeOrders } from "../../../support/page-sample.js";
import { tempDir } from "../../../support/tmp.js";

const browser = pageBrowser();
let sample: PageSample;

beforeAll(async () => {
  if (CHROMIUM === undefined) return;
  sample = await startPage();
  const { registry } = sample.broker.context;
  await registry.create("orders", 2, {});
  await writeOrders(sample.broker, "orders", 0, 250);
  await writeOrders(sample.broker, "orders", 1, 40);
}, BROWSER_TIMEOUT_MS);
afterAll(async () => {
  await sample?.[Symbol.asyncDispose]();
}, BROWSER_TIMEOUT_MS);

const offsets =
  "[...document.querySelectorAll('.record-list [data-offset]')].map((each) => Number(each.dataset.offset))";

const said = "document.querySelector('.records-bar .said').textContent";

describe.skipIf(CHROMIUM === undefined)("the records view", () => {
  test(
    "browses a topic with the keyboard, searches it, and follows it until it is paused",
    async () => {
      const page = await browser.open(`${sample.url}#/records`);
      await page.until("document.querySelector('.empty-state a')");
      await page.click(".empty-state a");
      await page.until("document.querySelectorAll('.record-list .item').length === 100");
      expect(await page.text(".records-bar .said")).toContain("2 partitions merged by time");

      await page.evaluate("location.hash = '#/records/orders?partition=0&from=120'");
      await page.until(`(${offsets})[0] === 120`);
      expect(await page.text(".batch-line")).toStartWith("batch 120 – 127 · 8 records");
      // Tab reaches one record; the arrows move between them, and Enter opens one.
      await page.evaluate("document.querySelector('.record-list [tabindex=\"0\"]').focus()");
      await page.press("ArrowDown", "ArrowDown", "Enter");
      await page.until("document.querySelector('.record-panel .json-name')");
      expect(await page.text(".record-panel h2")).toBe("orders 0, offset 122");
      expect(await page.text(".record-panel .bytes:last-of-type pre")).toContain(
        '\n  "order": 122,',
      );
      await page.press("ArrowDown");
      await page.until("location.hash.includes('record=0%2F123')");
      await page.until("document.querySelector('.record-panel h2').textContent.endsWith('123')");
      await page.evaluate(
        "[...document.querySelectorAll('[role=tab]')].findLast((tab) => tab.textContent === 'Hex').click()",
      );
      expect(await page.evaluate<string>("location.hash")).toContain("tab=hex");
      await page.press("Escape");
      await page.until("document.querySelector('.record-panel').hidden");
      expect(await page.evaluate<string>("document.activeElement.dataset.offset")).toBe("123");

      await page.evaluate("[...document.querySelectorAll('.records-bar a')][1].click()");
      await page.until(`(${offsets})[0] === 20 && (${offsets}).at(-1) === 119`);
      await page.evaluate("history.back()");
      await page.until(`(${offsets})[0] === 120`);
      const download = await page.evaluate<string>(
        "document.querySelector('.records-bar a[download]').getAttribute('href')",
      );
      const lines = await (await fetch(new URL(download, sample.url))).text();
      expect(lines.split("\n").length).toBe(101);

      await page.evaluate("location.hash = '#/records/orders'");
      await page.until(
        "document.querySelector('.records-bar .said').textContent.includes('merged')",
      );
      await page.until("!document.querySelector('.time-bars').hidden");
      await page.evaluate("document.querySelector('.time-plot').focus()");
      await page.press("Home");
      await page.press("Enter");
      await page.until("/from=%40.*&to=%40/.test(location.hash)");
      await page.evaluate("history.back()");
      await page.until("location.hash === '#/records/orders'");
      await page.until(
        "document.querySelector('.records-bar .said').textContent.includes('merged')",
      );
      await page.evaluate("document.querySelector('[name=in]').value = 'json'");
      await page.evaluate("document.querySelector('[name=find]').focus()");
      await page.type("$.order = 33");
      await page.press("Enter");
      await page.until(
        "document.querySelector('.records-bar .said').textContent.includes('found')",
      );
      await page.until("document.querySelector('.records-bar progress').hidden");
      expect(await page.text(".records-bar .said")).toContain(
        "2 found · 290 of 290 records searched",
      );
      expect(await page.evaluate<number[]>(offsets)).toEqual([33, 33]);
      // More conditions appear when they are asked for, and with them the choice to negate each.
      const shownNot =
        "[...document.querySelectorAll('[name=not]')].map((it) => it.checkVisibility())";
      expect(await page.evaluate<boolean[]>(shownNot)).toEqual([false]);
      await page.evaluate("document.querySelector('[name=find]').value = '$.order < 4'");
      await page.click(".add-condition");
      expect(await page.evaluate<boolean[]>(shownNot)).toEqual([true, true]);
      await page.evaluate("document.querySelector('.condition [name=in]').value = 'key'");
      await page.evaluate("document.querySelector('.condition [name=not]').value = 'not'");
      await page.type("customer-7");
      await page.press("Enter");
      await page.until(`${said}.startsWith('6 found')`);
      expect(await page.evaluate<number[]>(offsets)).toEqual([0, 0, 2, 2, 3, 3]);
      expect(await page.evaluate<string>("location.hash")).toEndWith(
        "?find=%24.order+%3C+4&in=json&find=customer-7&in=key&not=1",
      );
      await page.click(".condition button");
      await page.evaluate("document.querySelector('[name=in]').value = 'tombstone'");
      await page.evaluate("document.querySelector('[name=in]').dispatchEvent(new Event('change'))");
      expect(await page.evaluate("document.querySelector('[name=find]').checkVisibility()")).toBe(
        false,
      );
      await page.evaluate("document.querySelector('.records-form [type=submit]').click()");
      await page.until("document.querySelector('.records-view .empty-state')");
      expect(await page.text(".records-view .empty-state")).toContain(
        "There are no tombstones in this range.",
      );

      await page.evaluate("location.hash = '#/records/orders'");
      await page.until(`${said}.includes('merged')`);
      // A time as people type it. The address has the moment, and the field still the time.
      await page.evaluate("document.querySelector('[name=from]').focus()");
      await page.type("yesterday 14:00");
      await page.press("Enter");
      await page.until("/from=%40[-0-9]+T[0-9%A]+.000Z/.test(location.hash)");
      expect(await page.evaluate<string>("document.querySelector('[name=from]').value")).toMatch(
        /^\d{4}-\d\d-\d\d 14:00$/,
      );
      await page.evaluate("location.hash = '#/records/orders?find=%24.%3D&in=json'");
      await page.until("document.querySelector('.records-view .failure')");
      expect(await page.text(".records-view .failure")).toContain("expected a name after the dot");

      await page.evaluate("location.hash = '#/records/orders?partition=1&tail=1'");
      const follow = "[...document.querySelectorAll('.records-bar button')].at(0)";
      await page.until(`${follow}?.textContent === 'Pause'`);
      const partition = sample.broker.context.registry.partition("orders", 1);
      const write = (): Promise<number> => {
        const encoder = new BatchEncoder();
        for (let i = 0; i < 300; i++) encoder.append(Date.now(), null, `new ${i}`);
        return partition.append(encoder.finish().slice());
      };
      await page.evaluate(`(() => {
        window.mostAdded = 0;
        const count = (changes) => changes.reduce((sum, { addedNodes }) => sum + addedNodes.length, 0);
        const observer = new MutationObserver((changes) => {
          mostAdded = Math.max(mostAdded, count(changes));
        });
        observer.observe(document.querySelector(".record-list tbody"), { childList: true });
      })()`);
      const base = await write();
      await page.until(`(${offsets}).at(-1) === ${base + 299}`);
      // To lay out all rows at once takes longer than a frame.
      expect(await page.evaluate("mostAdded")).toBe(20);
      // More came than fits, and the list says so.
      expect(await page.text(".note-line")).toContain("200 records not shown");
      await page.evaluate(`${follow}.click()`);
      expect(await page.evaluate<string>(`${follow}.textContent`)).toBe("Continue");
      await write();
      const newest = await page.evaluate<number>(`(${offsets}).at(-1)`);
      expect(newest).toBe(base + 299);
      await page.evaluate(`${follow}.click()`);
      await page.until(`(${offsets}).at(-1) === ${base + 599}`);
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "shows the first records of a topic when they are there",
    async () => {
      await sample.broker.context.registry.create("fresh", 2, {});
      const page = await browser.open(`${sample.url}#/records/fresh`);
      await page.until("document.querySelector('.empty-state')");
      expect(await page.text(".empty-state")).toContain("fresh has no records yet.");
      await writeOrders(sample.broker, "fresh", 1, 2);
      await page.until(`(${offsets}).length === 2`);
      expect(await page.evaluate("document.querySelector('.empty-state')")).toBe(null);
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "says of which zone its times are, and keeps the choice of UTC in the address",
    async () => {
      const page = await browser.open("about:blank");
      await page.send("Emulation.setTimezoneOverride", { timezoneId: "Asia/Kolkata" });
      await page.send("Page.navigate", {
        url: `${sample.url}#/records/orders?partition=0&from=120`,
      });
      const head = "document.querySelector('.record-list th')?.textContent";
      await page.until(`${head} === 'time (Asia/Calcutta)' || ${head} === 'time (Asia/Kolkata)'`);
      await page.until(`(${offsets})[0] === 120`);
      const time = "document.querySelector('.record-list .item .col-time').textContent";
      expect(await page.evaluate<string>(time)).toBe("2026-07-01 17:32:00.000");
      expect(await page.text(".field-from span")).toBe("from offset or time, UTC+05:30");
      await page.evaluate("document.querySelector('[name=utc]').click()");
      expect(await page.evaluate<string>(time)).toBe("2026-07-01 12:02:00.000");
      expect(await page.evaluate<string>(head)).toBe("time (UTC)");
      expect(await page.evaluate<string>("location.hash")).toEndWith("&zone=utc");
      await page.evaluate("document.querySelector('.record-list button').click()");
      await page.until("document.querySelector('.record-panel dd')");
      expect(await page.text(".record-panel dd")).toBe("2026-07-01 17:32:00.000+05:30");
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "shows fields of JSON as columns, also in a live tail, and adds one from a record",
    async () => {
      const { registry } = sample.broker.context;
      await registry.create("fields", 1, {});
      await writeOrders(sample.broker, "fields", 0, 9);
      const page = await browser.open(`${sample.url}#/records/fields`);
      await page.until("document.querySelector('.col-value span')");
      await page.click(".add-condition");
      await page.evaluate("document.querySelector('[name=show]').focus()");
      await page.until(
        "[...document.querySelectorAll('#shown-paths option')].some((it) => it.value === '$.items[*]')",
      );
      await page.type("$.order, $.none");
      await page.press("Enter");
      await page.until("document.querySelectorAll('.item .col-field').length === 18");
      const fieldsOf =
        "[...document.querySelectorAll('.item:last-child .col-field')].map((it) => it.lastChild.textContent)";
      expect(await page.evaluate<string[]>(fieldsOf)).toEqual(["8", "–"]);

      await page.click(".item:last-child button");
      await page.until("document.querySelector('.record-panel .json-name')");
      await page.evaluate(
        "[...document.querySelectorAll('.json-name')].find((it) => it.textContent === '\"items\"').click()",
      );
      await page.until(`${fieldsOf}.length === 3`);
      expect(await page.evaluate<string[]>(fieldsOf)).toEqual(["8", "–", '["book","pen","lamp"]']);
      expect(await page.evaluate<string>("location.hash")).toContain("show=%24.order%2C+%24.none");
      await page.press("Escape");

      await page.evaluate(
        "[...document.querySelectorAll('.records-bar button')].find((it) => it.textContent === 'Live tail').click()",
      );
      await page.until(`${said}.startsWith('following')`);
      const encoder = new BatchEncoder();
      encoder.append(Date.now(), null, '{"order":12345678901234567890,"none":null}');
      encoder.append(Date.now(), "gone", null);
      await registry.partition("fields", 0).append(encoder.finish().slice());
      await page.until(`(${offsets}).at(-1) === 10`);
      expect(await page.text(".item:last-child .col-value")).toBe("tombstone");
      const before = fieldsOf.replace("last-child", "nth-last-child(2)");
      expect(await page.evaluate<string[]>(before)).toEqual(["12345678901234567890", "null", "–"]);
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "goes on with a live tail when the broker has restarted, and says meanwhile that it is gone",
    async () => {
      using directory = tempDir();
      const options = { dataDir: directory.path };
      let page: BrowserPage;
      let port: number;
      {
        await using before = await startPage(options);
        port = Number(new URL(before.url).port);
        await before.broker.context.registry.create("orders", 1, {});
        await writeOrders(before.broker, "orders", 0, 5);
        page = await browser.open(`${before.url}#/records/orders?tail=1`);
        await page.until(`(${offsets}).at(-1) === 4`);
        await page.until(`${said}.startsWith('following')`);
      }
      await page.until(`${said}.startsWith('the broker does not respond; trying again')`);
      await using after = await startPage(options, undefined, { port });
      await writeOrders(after.broker, "orders", 0, 3);
      await page.until(`(${offsets}).at(-1) === 7`);
      expect(await page.evaluate<number[]>(offsets)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
      expect(await page.text(".records-bar .said")).toStartWith("following");
      // Not a fault of the page.
      page.complaints.length = 0;
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "shows keys that are numbers as numbers or as they are chosen to be, and finds and writes one",
    async () => {
      const { registry } = sample.broker.context;
      await registry.create("ids", 1, {});
      const partition = registry.partition("ids", 0);
      const encoder = new BatchEncoder();
      for (const id of ["000000000000007b", "000000000001e240"]) {
        encoder.append(5, Buffer.from(id, "hex"), Buffer.from("000000002a02064869", "hex"));
      }
      await partition.append(encoder.finish().slice());

      const page = await browser.open(`${sample.url}#/records/orders`);
      await page.until("document.querySelectorAll('.record-list .item').length === 100");
      expect(await page.evaluate("document.querySelector('.keys-as').hidden")).toBe(true);
      await page.evaluate("location.hash = '#/records/ids'");
      const keys =
        "[...document.querySelectorAll('td.col-key')].map((cell) => cell.textContent).join()";
      await page.until(`${keys} === '123,123456'`);
      expect(await page.evaluate("document.querySelector('.keys-as').hidden")).toBe(false);
      const choose = (keysAs: string): Promise<unknown> =>
        page.evaluate(`(() => {
          const choice = document.querySelector("[name=keys]");
          choice.value = "${keysAs}";
          choice.dispatchEvent(new Event("change"));
        })()`);
      await choose("hex");
      expect(await page.evaluate<string>(keys)).toStartWith("00 00 00 00 00 00 00 7b,");
      expect(await page.evaluate<string>("location.hash")).toBe("#/records/ids?keys=hex");
      await choose("");
      // What a person sees in the list can be searched for.
      await page.evaluate("document.querySelector('[name=in]').value = 'key'");
      await page.evaluate("document.querySelector('[name=find]').focus()");
      await page.type("123456");
      await page.press("Enter");
      await page.until(`${said}.startsWith('1 found')`);
      expect(await page.evaluate<string>("location.hash")).toBe(
        "#/records/ids?find=123456&in=key&keys=int64",
      );
      await page.evaluate("document.querySelector('[name=find]').value = 'x'");
      await page.press("Enter");
      await page.until("document.querySelector('.notice.failed')");
      expect(await page.text(".notice.failed p")).toStartWith("'x' is no key as int64");

      await page.evaluate("document.querySelector('.record-list [data-offset]').click()");
      await page.until("document.querySelector('.record-panel .bytes pre')");
      const panel = await page.text(".record-panel .content");
      expect(panel).toContain("As a Confluent header: schema id 42, then 4 bytes");
      const chosen =
        "[...document.querySelectorAll('.record-panel [aria-selected=true]')].map((tab) => tab.textContent)";
      expect(await page.evaluate<string[]>(chosen)).toEqual(["int64", "Hex"]);

      await page.evaluate("location.hash = '#/produce?copy=ids/0/1'");
      await page.until("document.querySelector('.copied a')");
      expect(
        await page.evaluate<string>("document.querySelector('[name=key-reading]').value"),
      ).toBe("int64");
      await page.evaluate("document.querySelector('[name=key]').value = '-7'");
      await page.evaluate("document.querySelector('#produce [type=submit]').click()");
      await page.until("document.querySelector('.sent li')");
      const sent = await fetch(`${sample.url}api/records/ids/0/2/key`);
      expect(Buffer.from(await sent.arrayBuffer()).toString("hex")).toBe("fffffffffffffff9");
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "produces a record again, and deletes its key in a compacted topic",
    async () => {
      const { registry } = sample.broker.context;
      await registry.create("states", 2, { "cleanup.policy": "compact" });
      const partition = registry.partition("states", 1);
      const encoder = new BatchEncoder();
      const headers = [{ name: "source", value: "web" }];
      encoder.append(5, Uint8Array.of(0, 255), "two\nlines", headers);
      await partition.append(encoder.finish().slice());

      const page = await browser.open(`${sample.url}#/records/states?record=1/0`);
      const press = async (text: string): Promise<void> => {
        const found = `[...document.querySelectorAll(".record-panel .actions a, .record-panel .actions button")]
          .find((each) => each.textContent.startsWith(${JSON.stringify(text)}))`;
        await page.until(found);
        await page.evaluate(`${found}.click()`);
      };
      await press("Produce again");
      await page.until("document.querySelector('.copied a')");
      expect(await page.text(".copied")).toBe("Copy of states 1, offset 0");
      const fieldOf = (name: string): Promise<string> =>
        page.evaluate<string>(`document.querySelector('[name=${name}]').value`);
      expect([await fieldOf("key"), await fieldOf("key-reading")]).toEqual(["00 ff", "hex"]);
      expect([await fieldOf("topic"), await fieldOf("value")]).toEqual(["states", "two\nlines"]);
      expect(await page.evaluate<string>("location.hash")).toBe("#/produce?copy=states%2F1%2F0");
      await page.evaluate("document.querySelector('[name=partition]').focus()");
      await page.type("1");
      await page.evaluate("document.querySelector('#produce [type=submit]').click()");
      await page.until("document.querySelector('.sent li')");
      const sent = await fetch(`${sample.url}api/records/states/1/1/line`);
      expect(await sent.json()).toMatchObject({
        ...{ key: "AP8=", keyEncoding: "base64", value: "two\nlines" },
        headers: [{ name: "source", value: "web" }],
      });

      await page.evaluate("document.querySelector('.sent a').click()");
      await press("Delete this key");
      await page.until("document.querySelector('dialog')");
      expect(await page.text("dialog h2")).toBe("Delete the key 00 ff?");
      expect(await page.text("dialog")).toContain("to partition 1 of states");
      await page.evaluate("document.querySelector('dialog [type=submit]').click()");
      await page.until("document.querySelector('.notice a')");
      expect(partition.logEndOffset).toBe(3);
      await page.evaluate("document.querySelector('.notice a').click()");
      await page.until(
        "document.querySelector('.record-panel h2').textContent.endsWith('offset 2')",
      );
      await page.until(
        "document.querySelector('.record-panel').textContent.includes('a tombstone')",
      );
      expect(await page.text(".record-panel .actions")).not.toContain("Delete this key");
      expect(await page.evaluate("document.querySelector('.notice')")).toBeNull();

      // What is said of a deletion goes with the view, or when nobody has used it for a while.
      const deleteAgain = async (): Promise<void> => {
        await page.evaluate("location.hash = '#/records/states?record=1%2F1'");
        await press("Delete this key");
        await page.until("document.querySelector('dialog')");
        await page.evaluate("document.querySelector('dialog [type=submit]').click()");
        await page.until("document.querySelector('.notice a')");
      };
      await deleteAgain();
      await page.evaluate("location.hash = '#/log'");
      await page.until("document.title === 'Log – RustLog'");
      expect(await page.evaluate("document.querySelector('.notice')")).toBeNull();
      await page.evaluate(`(() => {
        const real = setTimeout;
        window.setTimeout = (act, ms, ...rest) => {
          if (ms !== 30000) return real(act, ms, ...rest);
          window.later = act;
        };
      })()`);
      await deleteAgain();
      await page.evaluate("document.querySelector('.notice a').focus()");
      await page.evaluate("later()");
      expect(await page.evaluate("document.querySelector('.notice a') !== null")).toBe(true);
      await page.evaluate("document.activeElement.blur()");
      await page.evaluate("later()");
      expect(await page.evaluate("document.querySelector('.notice')")).toBeNull();
    },
    BROWSER_TIMEOUT_MS,
  );
});
