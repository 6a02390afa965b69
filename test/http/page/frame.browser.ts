// The frame of the live page in a real browser: its views and addresses, the theme, and logins.
// Skipped without Chromium. Leaves to others: the views (a folder each).
import { describe, expect, test } from "bun:test";
import { type BrowserPage, CHROMIUM } from "../../support/browser.js";
import { BROWSER_TIMEOUT_MS, pageBrowser } from "../../support/page-browser.js";
import { startPage, writeOrders } from "../../support/page-sample.js";
import { addUsers } from "../../support/page-users.js";

const browser = pageBrowser();

/** Makes the page believe that it can't be seen, or can be seen again. */
const hide = (isHidden: boolean): string =>
  `Object.defineProperty(document, "hidden", { value: ${isHidden}, configurable: true });
   document.dispatchEvent(new Event("visibilitychange"))`;

describe.skipIf(CHROMIUM === undefined)("the live page", () => {
  test(
    "shows a view for each address, and goes back and forward",
    async () => {
      await using sample = await startPage();
      await sample.broker.context.registry.create("orders", 1, {});
      const page = await browser.open(sample.url);
      const shown = (): Promise<string> =>
        page.evaluate("document.querySelector('#views [aria-current]')?.textContent ?? ''");
      await page.until("document.querySelector('#about')?.textContent.includes('flush')");
      expect(await shown()).toBe("Log");
      await page.click("#views [data-view=groups]");
      await page.until("document.title === 'Groups – RustLog'");
      expect(await shown()).toBe("Groups");
      expect(await page.evaluate<string>("document.activeElement.id")).toBe("main");
      expect(await page.evaluate("document.querySelector('#topics')")).toBe(null);
      await page.evaluate("history.back()");
      await page.until("document.title === 'Log – RustLog'");
      await page.evaluate("history.forward()");
      await page.until("document.title === 'Groups – RustLog'");
      await page.press("/");
      await page.until("document.activeElement.name === 'target'");
      expect(await shown()).toBe("Log");
      // The names that a field suggests are not on the page until it is used, and are up to date then.
      const suggested = (): Promise<string> =>
        page.evaluate(
          "[...document.querySelector('#topic-names').options].map((it) => it.value).join()",
        );
      expect(await suggested()).toBe("");
      await page.evaluate("document.querySelector('#lookup [name=topic]').focus()");
      expect(await suggested()).toBe("orders");
      expect(await page.text("#totals div")).toBe("topic1");
      await sample.broker.context.registry.create("prices", 1, {});
      await page.until("document.querySelector('#topic-names').options.length === 2");
      expect(await page.text("#totals div")).toBe("topics2");
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "has a tour of eight stops, of which each has an address",
    async () => {
      await using sample = await startPage();
      await sample.broker.context.registry.create("orders", 1, {});
      await writeOrders(sample.broker, "orders", 0, 1000);
      const page = await browser.open(`${sample.url}#/log?tour=3`);
      await page.until("document.querySelector('.player:not([hidden]) .step h3')");
      expect(await page.text(".player h3")).toBe("3. A segment holds batches");
      await page.press("ArrowRight");
      expect(await page.text(".player h3")).toStartWith("4. An index entry");
      expect(await page.evaluate<string>("location.hash")).toBe("#/log?tour=4");
      await page.evaluate("document.querySelector('.player [data-key=link]').click()");
      await page.until("document.querySelector('.player h2').textContent.startsWith('Where is')");
      await page.evaluate("history.back()");
      await page.until(
        "document.querySelector('.player h3').textContent.startsWith('4. An index')",
      );
      // What a stop says follows the log, and the focus stays where it is.
      for (const _ of [5, 6]) await page.press("ArrowRight");
      expect(await page.text(".player .lines")).toStartWith("high watermark 1,000");
      await writeOrders(sample.broker, "orders", 0, 500);
      const lines = "document.querySelector('.player .lines').textContent";
      await page.until(`${lines}.startsWith('high watermark 1,500')`);
      expect(await page.evaluate("document.activeElement.dataset.key")).toBe("next");
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "invites to the tour until it was taken, and goes on with it when a topic of it is deleted",
    async () => {
      await using sample = await startPage();
      const { registry } = sample.broker.context;
      const page = await browser.open(sample.url, { width: 360, height: 740 });
      const invitation = "document.querySelector('.invitation')?.hidden";
      const empty = "document.querySelector('#main .empty-state p')?.textContent";
      await page.until(`${empty} === 'There are no topics yet. A record creates one.'`);
      // Without records there is nothing to invite to, and a tour of nothing is not the tour.
      expect(await page.evaluate<boolean>(invitation)).toBe(true);
      await page.evaluate("location.hash = '#/log?tour=1'");
      await page.until("document.querySelector('.player:not([hidden]) h3')");
      await page.press("Escape");
      for (const topic of ["letters", "orders"]) await registry.create(topic, 1, {});
      for (const topic of ["letters", "orders"]) await writeOrders(sample.broker, topic, 0, 50);
      await page.until(`${invitation} === false`);
      await page.evaluate("document.querySelector('.invitation a').focus()");
      await page.press("Enter");
      const titled = (topic: string): string =>
        `document.querySelector('.player:not([hidden]) h2')?.textContent.endsWith(' ${topic}')`;
      await page.until(titled("letters"));
      expect(await page.evaluate<boolean>(invitation)).toBe(true);
      for (let stop = 1; stop <= 8; stop++) {
        const reachable = await page.evaluate<boolean>(
          "[...document.querySelectorAll('.player .controls button, .player .controls a')].every((each) => each.getBoundingClientRect().bottom <= innerHeight)",
        );
        expect(`${stop}: ${reachable}`).toBe(`${stop}: true`);
        if (stop < 8) await page.press("ArrowRight");
      }
      await registry.delete("letters");
      await page.until(titled("orders"));
      expect(await page.text(".player h3")).toStartWith("8. ");
      await page.press("Escape");
      await page.until("document.querySelector('.player').hidden");
      // What the focus came from is hidden now.
      expect(await page.evaluate<string>("document.activeElement.id")).toBe("main");
      expect(await page.evaluate<string>("location.hash")).toBe("#/log");
      const again = await browser.open(sample.url);
      await again.until(`${invitation} === true`);
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "says whether everything is all right, and lists what is not at an address",
    async () => {
      await using sample = await startPage();
      const { registry, logDirectory } = sample.broker.context;
      // The disk of this machine may be full.
      const space = async () => ({ totalBytes: 2 ** 40, usableBytes: 2 ** 39 });
      Object.assign(logDirectory, { space });
      const [orders] = (await registry.create("orders", 1, {})).online;
      const page = await browser.open(sample.url, { width: 360, height: 740 });
      const status = "document.querySelector('#problems-button')";
      await page.until(`${status}.textContent === '✓all right'`);
      await page.until("document.querySelector('.row .numbers strong')");
      const height = "document.querySelector('.strip').offsetHeight";
      const before = await page.evaluate<number>(height);
      registry.faults.note(orders!, { kind: "damage", offset: 7, reason: "its CRC" });
      await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
      await page.until(`${status}.textContent === '!1 problem'`);
      expect(await page.evaluate<number>(height)).toBe(before);
      expect(before).toBeLessThan(50);
      await page.evaluate(`${status}.focus()`);
      await page.press("Enter");
      await page.until("document.querySelector('#problems li')");
      expect(await page.evaluate<string>("location.hash")).toBe("#/log?problems=1");
      expect(await page.text("#problems li")).toContain(
        "orders-0 is damaged at offset 7: its CRC.",
      );
      await page.press("Tab");
      expect(await page.evaluate<string>("document.activeElement.textContent")).toBe(
        "Records at offset 7",
      );
      await page.press("Escape");
      expect(await page.evaluate<boolean>("document.querySelector('#problems').hidden")).toBe(true);
      expect(await page.evaluate<string>("document.activeElement.id")).toBe("problems-button");
      expect(await page.evaluate<string>("location.hash")).toBe("#/log");
      // The address can be shared, in any view; a link in the list leads to the place and closes it.
      const other = await browser.open(`${sample.url}#/topics?filter=ord&problems=1`);
      await other.until("document.querySelector('#problems li')");
      expect(await other.evaluate<string>("document.title")).toBe("Topics – RustLog");
      expect(await other.text("#totals")).toMatch(/free of 1 TiB512 GiB.*up\d+ s/);
      await other.evaluate("document.querySelector('#problems a').click()");
      await other.until("document.title.startsWith('orders – Records')");
      expect(await other.evaluate<string>("location.hash")).toBe(
        "#/records/orders?partition=0&from=7",
      );
      expect(await other.evaluate<boolean>("document.querySelector('#problems').hidden")).toBe(
        true,
      );
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "shares one stream of events with all pages of the browser, which has six connections",
    async () => {
      await using sample = await startPage();
      const { registry } = sample.broker.context;
      const pages: BrowserPage[] = [];
      for (let i = 0; i < 6; i++) {
        const page = await browser.open(sample.url);
        // Otherwise only the last one can be seen.
        await page.send("Emulation.setFocusEmulationEnabled", { enabled: true });
        pages.push(page);
      }
      const topics = (count: number): string =>
        `document.querySelector('#totals dd')?.textContent === '${count}' && document.querySelectorAll('.topic h2').length === ${count}`;
      await registry.create("orders", 1, {});
      for (const page of pages) await page.until(topics(1));
      expect(sample.streams()).toBe(1);
      await registry.create("payments", 1, {});
      for (const page of pages) await page.until(topics(2));
      // The seventh page, which comes later, is told everything.
      const late = await browser.open(sample.url);
      await late.until(topics(2));
      expect(await late.text("#status")).toBe("live");
      expect(sample.streams()).toBe(1);
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "listens to nothing while it is hidden, and catches up when it is shown",
    async () => {
      await using sample = await startPage();
      const page = await browser.open(sample.url);
      const topics = "document.querySelector('#totals dd')?.textContent";
      await page.until(`${topics} === '0'`);
      await page.evaluate(hide(true));
      while (sample.streams() > 0) await Bun.sleep(20);
      await sample.broker.context.registry.create("orders", 1, {});
      await page.evaluate(hide(false));
      await page.until(`${topics} === '1'`);
      expect(await page.text("#status")).toBe("live");
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "says that it is read-only, and shows no way to change anything",
    async () => {
      await using sample = await startPage({}, undefined, { isReadOnly: true });
      const { registry, offsets } = sample.broker.context;
      await registry.create("orders", 1, {});
      await writeOrders(sample.broker, "orders", 0, 10);
      await offsets.commit("billing", [{ topic: "orders", partition: 0, offset: 3 }]);
      const page = await browser.open(`${sample.url}#/produce?topic=orders`);
      await page.until("document.querySelector('.notice')");
      expect(await page.text(".notice p")).toContain("read-only (--ui-read-only)");
      expect(await page.text(".strip .read-only")).toStartWith("read-only: nothing can be changed");
      await page.evaluate("location.hash = '#/groups/billing?reset=earliest'");
      await page.until("document.querySelector('.reset p.failure:not([hidden])')");
      expect(await page.text(".reset p.failure")).toContain("the group can't be reset here");
      expect(await page.evaluate("document.querySelector('.reset form').hidden")).toBe(true);
      const heads =
        "[...document.querySelectorAll('[aria-label=\"Topics of the group\"] th')].map((it) => it.textContent)";
      expect(await page.evaluate<string[]>(heads)).toEqual([
        "topic",
        "committed partitions",
        "lag",
      ]);
      expect(
        await page.evaluate(
          "[...document.querySelectorAll('.group-page .actions button')].filter((it) => it.checkVisibility()).length",
        ),
      ).toBe(0);
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "remembers the colours that were chosen",
    async () => {
      await using sample = await startPage();
      const page = await browser.open(sample.url);
      const paper = "getComputedStyle(document.body).backgroundColor";
      await page.until("document.querySelector('#actions button:last-child')");
      const light = await page.evaluate<string>(paper);
      await page.evaluate("document.querySelector('#actions button:last-child').click()");
      expect(await page.evaluate<string>(paper)).toBe(light);
      await page.evaluate("document.querySelector('#actions button:last-child').click()");
      expect(await page.evaluate<string>(paper)).not.toBe(light);
      const again = await browser.open(sample.url);
      await again.until("document.querySelector('#actions button:last-child')");
      expect(await again.evaluate<string>("document.documentElement.dataset.theme")).toBe("dark");
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "asks for a login once there are users, and shows who is logged in",
    async () => {
      await using secured = await startPage();
      await secured.broker.context.registry.create("orders", 1, {});
      await writeOrders(secured.broker, "orders", 0, 10);
      const page = await browser.open(secured.url);
      await page.until("document.querySelectorAll('.row .numbers strong').length > 0");
      expect(await page.evaluate("document.querySelector('.user')")).toBe(null);
      // The place in the address survives the login.
      await page.evaluate("location.hash = '#/groups'");
      await page.until("document.title === 'Groups – RustLog'");
      await addUsers(secured.broker.context, { ann: ["READ TOPIC orders"], root: "everything" });
      const rows = "document.querySelectorAll('.row .numbers strong').length > 0";
      const logIn = async (user: string, isIn = rows, password = user): Promise<void> => {
        await page.until("document.activeElement?.name === 'user'");
        await page.type(user);
        await page.evaluate("document.querySelector('[name=password]').focus()");
        await page.type(password);
        await page.press("Enter");
        await page.until(isIn);
      };
      // After a wrong password only that is typed again.
      await logIn("ann", "document.querySelector('.failure').textContent !== ''", "guess");
      await page.until("document.activeElement?.name === 'password'");
      expect(await page.evaluate<string>("document.querySelector('[name=user]').value")).toBe(
        "ann",
      );
      await page.evaluate("document.querySelector('[name=user]').value = ''");
      await page.evaluate("document.querySelector('[name=user]').focus()");
      await logIn("ann", "document.title === 'Groups – RustLog'");
      await page.evaluate("location.hash = ''");
      expect(await page.text(".user span")).toBe("ann");
      expect(await page.text("#actions")).not.toContain("Produce");
      expect(await page.evaluate("document.querySelector('#lookup').hidden")).toBe(false);
      // They come with the first event.
      await page.until(
        "document.querySelector('#totals').textContent.startsWith('topic1partition1on disk')",
      );
      expect(await page.text("#totals")).not.toContain("connection");
      await page.evaluate("document.querySelector('.user button').click()");
      await logIn("root");
      expect(await page.text(".user span")).toBe("root");
      await page.evaluate("location.hash = '#/produce?topic=orders'");
      await page.until("document.querySelector('#produce [name=value]')");
      await page.evaluate("document.querySelector('#produce [name=value]').focus()");
      await page.type("hello");
      await page.evaluate(
        "document.querySelector('#produce .actions button:nth-child(2)').click()",
      );
      await page.until("document.querySelector('.player:not([hidden]) .step h3')");
      expect(await page.evaluate("document.cookie")).toBe("");
    },
    BROWSER_TIMEOUT_MS,
  );
});
