// The groups view in a real browser.
// Skipped without Chromium. Leaves to others: the answers (test/http/api/groups.test.ts), and the sentences
// (diagnosis.test.ts).
import { describe, expect, test } from "bun:test";
import { batchOf } from "../../../support/broker.js";
import { CHROMIUM } from "../../../support/browser.js";
import { joinGroup } from "../../../support/group-members.js";
import { BROWSER_TIMEOUT_MS, pageBrowser } from "../../../support/page-browser.js";
import { startPage } from "../../../support/page-sample.js";

const browser = pageBrowser();

const rows = (caption: string): string =>
  `[...document.querySelectorAll("[aria-label='${caption}'] tbody tr")].map((row) => row.innerText.split("\\t"))`;

describe.skipIf(CHROMIUM === undefined)("the groups view", () => {
  test(
    "leads from the list to a group, why it is behind, and a reset that is what its dry run said",
    async () => {
      await using shop = await startPage();
      const { registry, offsets, groups } = shop.broker.context;
      await registry.create("orders", 2, {});
      for (const partition of [0, 1]) {
        await registry.partition("orders", partition).append(batchOf("a", "b", "c", "d"));
      }
      const commit = (group: string, partition: number, offset: number) =>
        offsets.commit(group, [{ topic: "orders", partition, offset }]);
      for (let i = 0; i < 110; i++) await commit(`job-${i}`, 0, 4);
      await commit("billing", 0, 3);
      const [app = ""] = await joinGroup(groups, "shared", [
        { clientId: "app", assigned: { orders: [0] } },
      ]);
      await commit("shared", 0, 1);

      const page = await browser.open(`${shop.url}#/groups`);
      await page.until("document.querySelectorAll('#groups tbody tr').length === 100");
      expect(await page.text("#groups .view-head p")).toBe("112 groups");
      await page.click("#groups nav a");
      await page.until("document.querySelectorAll('#groups tbody tr').length === 12");
      expect(await page.evaluate<string>("location.hash")).toStartWith("#/groups?");
      await page.evaluate("history.back()");
      await page.evaluate("document.querySelector('#groups [name=filter]').focus()");
      await page.type("BILL");
      await page.until("document.querySelectorAll('#groups tbody tr').length === 1");
      expect((await page.evaluate<string[][]>(rows("Groups")))[0]?.slice(0, 6)).toEqual([
        ...["billing", "Empty", "—", "0", "2", "5"],
      ]);
      expect(await page.evaluate<string>("location.hash")).toBe("#/groups?filter=BILL");

      await page.click("#groups tbody a");
      await page.until("document.querySelector('.findings li')");
      expect(await page.text(".findings")).toContain("a client commits for it without being one");
      await page.until("document.querySelector('.chart .line').getAttribute('d') !== ''");
      await page.click(".chart summary");
      await page.until("document.querySelectorAll('.chart tbody tr').length === 13");
      expect(await page.text(".chart tbody tr:last-child")).toEndWith("5");
      expect(await page.text(".chart tbody tr")).toEndWith("not known");

      await page.click(".group-page .view-head .actions button");
      // It begins with what does nothing by itself; Escape leaves it, to where it was opened.
      await page.until("document.activeElement.name === 'at'");
      expect(await page.evaluate<string>("document.querySelector('[name=reset]').value")).toBe(
        "time",
      );
      await page.press("Enter");
      expect(await page.evaluate<string>("location.hash")).toBe("#/groups/billing?reset=ask");
      await page.press("Escape");
      expect(await page.evaluate("document.querySelector('.reset').hidden")).toBe(true);
      expect(await page.evaluate<string>("document.activeElement.textContent")).toBe(
        "Reset offsets",
      );
      await page.evaluate(
        "[...document.querySelectorAll('td button')].find((it) => it.textContent === 'Reset').focus()",
      );
      await page.press("Enter");
      await page.until("document.activeElement.name === 'at'");
      await page.press("Escape");
      expect(await page.evaluate<string>("document.activeElement.textContent")).toBe("Reset");
      await page.click(".group-page .view-head .actions button");
      await page.evaluate("document.querySelector('[name=reset]').value = 'earliest'");
      await page.evaluate(
        "document.querySelector('[name=reset]').dispatchEvent(new Event('change'))",
      );
      await page.click(".reset [type=submit]");
      await page.until("document.querySelector('.plan tbody tr')");
      expect(await page.evaluate<string>("location.hash")).toBe("#/groups/billing?reset=earliest");
      expect(await page.text(".reset .said")).toBe(
        "To the beginning of the log: 3 offsets will be read again, 1 partition had no committed offset. Nothing has been changed yet.",
      );
      expect(await page.evaluate<string[][]>(rows("What the reset would change"))).toEqual([
        ["orders", "0", "3", "0", "-3", "0 to 4"],
        ["orders", "1", "—", "0", "—", "0 to 4"],
      ]);
      expect(offsets.fetch("billing", "orders", 0)?.offset).toBe(3);
      await page.click(".plan > :last-child button");
      await page.until("document.activeElement.textContent === 'Cancel'");
      await page.click("dialog [type=submit]");
      await page.until("document.querySelector('.notice')");
      expect(await page.text(".notice p")).toBe("Reset 2 partitions of group billing.");
      expect(offsets.fetch("billing", "orders", 0)?.offset).toBe(0);
      await page.until("location.hash === '#/groups/billing'");

      // While a group has members a reset can be looked at; it can be carried out when they have left.
      await page.evaluate("location.hash = '#/groups/shared?reset=latest'");
      await page.until("document.querySelector('.plan tbody tr')");
      await page.until("document.querySelector('.findings .problem')");
      expect(await page.text(".reset > .failure")).toContain("The group has 1 member");
      expect(await page.evaluate("document.querySelector('.plan .actions button').disabled")).toBe(
        true,
      );
      await page.until("document.querySelector('.findings .problem')");
      expect(await page.text(".findings .problem")).toBe(
        "Problem Nobody reads partition 1 of orders: lag 4.",
      );
      expect(
        (await page.evaluate<string[][]>(rows("Members of the group")))[0]?.slice(0, 3),
      ).toEqual(["app", "—", "10.0.0.7"]);
      groups.leave("shared", [{ memberId: app, instanceId: null }]);
      await commit("shared", 0, 2);
      await page.until("document.querySelector('.plan .actions button:enabled')");
      await page.until(
        "document.querySelector('.plan tbody td:nth-child(3)')?.textContent === '2'",
      );

      await page.evaluate("location.hash = '#/groups/billing'");
      await page.until(
        "document.title.startsWith('billing') && !document.querySelector('.group-page .actions').hidden",
      );
      await page.click(".group-page .view-head .actions button:last-child");
      await page.until("document.activeElement.name === 'typed'");
      await page.type("billing");
      await page.press("Enter");
      await page.until("location.hash === '#/groups'");
      expect(groups.has("billing")).toBe(false);
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "has an address for every name and for the order of each table",
    async () => {
      await using shop = await startPage();
      const { registry, offsets, groups } = shop.broker.context;
      for (const topic of ["orders", "prices"]) await registry.create(topic, 1, {});
      const names = ["", "..", "a?b#c%2F", "🦀", "עגלה"];
      for (const group of names)
        await offsets.commit(group, [{ topic: "orders", partition: 0, offset: 0 }]);
      await joinGroup(groups, "shared", [
        { clientId: "app", assigned: { orders: [0] } },
        { clientId: "bpp", assigned: { prices: [0] } },
      ]);
      const page = await browser.open(`${shop.url}#/groups`);
      await page.until("document.querySelectorAll('#groups tbody tr').length === 6");
      for (const group of names) {
        await page.evaluate("location.hash = '#/groups'");
        const shown = group === "" ? "(no name)" : group;
        const link = `[...document.querySelectorAll("#groups td a")].find((it) => it.textContent === ${JSON.stringify(shown)})`;
        await page.until(link);
        await page.evaluate(`${link}.click()`);
        await page.until("document.querySelector('.badge')?.checkVisibility()");
        expect(await page.text(".group-page h2")).toBe(shown);
        expect(await page.evaluate<string>("document.title")).toBe(`${shown} – Groups – RustLog`);
      }
      await page.evaluate("location.hash = '#/groups/shared'");
      await page.until(
        "document.querySelectorAll('[aria-label=\"Members of the group\"] td').length > 0",
      );
      for (const [table, column] of [
        ["Members of the group", "client"],
        ["Topics of the group", "topic"],
        ["Partitions of the group", "partition"],
      ]) {
        await page.evaluate(
          `document.querySelector('[aria-label="${table}"] [data-column=${column}] button').click()`,
        );
      }
      const order = "order=-partition&topic-order=-topic&member-order=-client";
      expect(await page.evaluate<string>("location.hash")).toBe(`#/groups/shared?${order}`);
      const again = await browser.open(`${shop.url}#/groups/shared?${order}`);
      const first = async (table: string): Promise<string | undefined> =>
        (await again.evaluate<string[][]>(rows(table)))[0]?.[0];
      await again.until(
        "document.querySelectorAll('[aria-label=\"Members of the group\"] td').length > 0",
      );
      expect(await first("Members of the group")).toBe("bpp");
      expect(await first("Topics of the group")).toBe("prices");
      expect(await first("Partitions of the group")).toBe("prices 0");
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "shows a page of the partitions of a group at a time",
    async () => {
      await using shop = await startPage();
      const { registry, offsets } = shop.broker.context;
      await registry.create("wide", 130, {});
      const partitions = Array.from({ length: 130 }, (_, partition) => ({
        ...{ topic: "wide", partition, offset: 0 },
      }));
      await offsets.commit("reader", partitions);
      await registry.partition("wide", 5).append(batchOf("a"));
      const page = await browser.open(`${shop.url}#/groups/reader`);
      const shown =
        "[...document.querySelectorAll('[aria-label=\"Partitions of the group\"] tbody tr')]";
      const names = () =>
        page.evaluate<string>(`${shown}.map((row) => row.cells[0].textContent).join()`);
      await page.until(`${shown}.length === 100`);
      expect(await page.text(".pager:not([hidden]) .sum")).toBe("1 – 100 of 130 partitions");
      await page.click(".pager:not([hidden]) button:last-child");
      await page.until(`${shown}.length === 30`);
      expect(await page.evaluate("location.hash")).toBe("#/groups/reader?page=2");
      expect(await names()).toStartWith("wide 100,wide 101,");
      await page.evaluate(
        `${shown}[0].closest("table").querySelector("[data-column=lag] button").click()`,
      );
      await page.until("location.hash === '#/groups/reader?order=-lag'");
      expect(await names()).toStartWith("wide 5,wide 0,wide 1,");
      await page.evaluate("document.querySelector('#groups [name=filter]').focus()");
      await page.type("wide 12");
      expect(await names()).toBe(
        "wide 12,wide 120,wide 121,wide 122,wide 123,wide 124,wide 125,wide 126,wide 127,wide 128,wide 129",
      );
    },
    BROWSER_TIMEOUT_MS,
  );
});
