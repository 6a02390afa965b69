// The groups view in a real browser.
// Skipped without Chromium. Leaves to others: the answers (api/routes.test.ts).
import { describe, expect, test } from "bun:test";
import { batchOf } from "../../../support/broker.js";
import { CHROMIUM } from "../../../support/browser.js";
import { joinGroup } from "../../../support/group-members.js";
import { BROWSER_TIMEOUT_MS, pageBrowser } from "../../../support/page-browser.js";
import { startPage } from "../../../support/page-sample.js";

const browser = pageBrowser();

describe.skipIf(CHROMIUM === undefined)("the groups view", () => {
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
      const page = await browser.open(`${shop.url}#/groups`);
      await page.until(
        "document.querySelector('#groups h2')?.textContent === '300 consumer groups'",
      );
      expect(await page.text("#groups li")).toBe("group-1000: Empty, lag 3 in 2 partitions");
      expect(await page.text("#groups .empty")).toBe("There are more: filter by name.");
      await page.evaluate("document.querySelector('#groups input').focus()");
      await page.type("1299");
      await page.until("document.querySelectorAll('#groups li').length === 1");
      expect(await page.text("#groups li")).toBe("group-1299: Empty, lag 3 in 2 partitions");
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
      groups.leave("shared", [{ memberId: member!, instanceId: null }]);
      await page.until("document.querySelectorAll('#groups li').length === 0");
    },
    BROWSER_TIMEOUT_MS,
  );
});
