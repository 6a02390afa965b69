// The connections view in a real browser.
// Skipped without Chromium. Leaves to others: the answers (api/connections.test.ts), the words (connection-words.test.ts).
import { describe, expect, test } from "bun:test";
import { KAFKA_APIS } from "../../../../src/protocol/kafka/apis.js";
import { GroupHeartbeat } from "../../../../src/protocol/native/membership.js";
import { batchOf } from "../../../support/broker.js";
import { CHROMIUM } from "../../../support/browser.js";
import { KafkaClient } from "../../../support/kafka-client.js";
import { BROWSER_TIMEOUT_MS, pageBrowser } from "../../../support/page-browser.js";
import { startPage } from "../../../support/page-sample.js";

const browser = pageBrowser();

describe.skipIf(CHROMIUM === undefined)("the connections view", () => {
  test(
    "lists, filters and sums the connections, and closes one",
    async () => {
      await using sample = await startPage();
      using kafka = await KafkaClient.connect(sample.broker.port);
      const software = { clientSoftwareName: "franz-go", clientSoftwareVersion: "1.22.3" };
      await kafka.call(KAFKA_APIS.ApiVersions, 3, software);
      using native = await sample.running.session();
      await native.ping();
      const page = await browser.open(`${sample.url}#/connections?order=client`);
      const rows = "document.querySelectorAll('#connections .table:not([hidden]) tbody tr')";
      await page.until(`${rows}.length === 2`);
      expect(await page.text("#connections h2")).toBe("2 connections: 1 kafka, 1 native");
      const textOf = (name: string): Promise<string> =>
        page.evaluate(`[...${rows}].map((row) => row.cells[${name}].textContent).join()`);
      expect(await textOf("0")).toBe("—,test");
      // The order, the filter and the sums are in the address.
      await page.click("[data-column=client] button");
      await page.until(`${rows}[0].cells[0].textContent === 'test'`);
      expect(await page.evaluate<string>("location.hash")).toBe("#/connections?order=-client");
      await page.evaluate("document.querySelector('[name=filter]').focus()");
      await page.type("franz");
      await page.until(`${rows}.length === 1`);
      expect(await page.evaluate<string>("location.hash")).toContain("filter=franz");
      await page.evaluate("location.hash = '#/connections?by=software'");
      await page.until("document.querySelector('#connections td a')");
      expect(await textOf("1")).toBe("1,1");
      await page.evaluate("document.querySelector('#connections td a').click()");
      await page.until(`${rows}.length === 1 && ${rows}[0].cells[0].textContent === 'test'`);
      // Asked first, with the focus on what does no harm.
      await page.evaluate("document.querySelector('#connections td button').click()");
      await page.until("document.querySelector('dialog')");
      expect(await page.evaluate<string>("document.activeElement.textContent")).toBe("Cancel");
      expect(await page.text("dialog")).toContain("Most clients connect again at once.");
      await page.press("Escape");
      await page.until("document.querySelector('dialog') === null");
      expect(sample.broker.connections).toBe(2);
      await page.evaluate("document.querySelector('#connections td button').click()");
      await page.until("document.querySelector('dialog')");
      await page.evaluate("document.querySelector('dialog [type=submit]').click()");
      await kafka.raw.closed;
      await page.until("document.querySelector('#connections .empty-state')");
      await page.until("document.querySelector('#notices').textContent.includes('is closed')");
      await page.evaluate("document.querySelector('.empty-state button').click()");
      await page.until(`${rows}.length === 1`);
    },
    BROWSER_TIMEOUT_MS,
  );

  test(
    "leads from a topic to the clients that write to it, and from a group to those of its members",
    async () => {
      await using sample = await startPage();
      await sample.broker.context.registry.create("orders", 1, {});
      using writer = await sample.running.session();
      await writer.produce("orders", 0, batchOf("x"));
      using member = await sample.running.session();
      await member.call(joinFrame, GroupHeartbeat.decodeResponse);
      const page = await browser.open(`${sample.url}#/topics/orders`);
      const clickLink = async (within: string, text: string) => {
        const link = `[...document.querySelectorAll(${JSON.stringify(`${within} a`)})].find((it) => it.textContent === '${text}')`;
        await page.until(link);
        await page.evaluate(`${link}.click()`);
      };
      const rows = "document.querySelectorAll('#connections .table:not([hidden]) tbody tr')";
      const isFiltered = (by: string, text: string) =>
        page.until(
          `location.hash === '#/connections?filter=${by}' && ${rows}.length === 1 && ${rows}[0].textContent.includes('${text}')`,
        );
      await clickLink(".facts", "1 client");
      await isFiltered("writes%3Aorders", "orders");
      await page.evaluate("location.hash = '#/connections?by=writes'");
      await clickLink('[aria-label="Connections, summed"]:not([hidden]) td', "orders");
      await isFiltered("writes%3Aorders", "orders");
      // A member of our own protocol has a name that its connection does not know.
      await page.evaluate("location.hash = '#/groups/billing'");
      await clickLink("td", "us");
      await isFiltered("group%3Abilling", "billing");
    },
    BROWSER_TIMEOUT_MS,
  );
});

/** The first heartbeat of a member. */
function joinFrame(id: number): Uint8Array {
  return GroupHeartbeat.encodeRequest(id, {
    ...{ group: "billing", memberId: "m", memberEpoch: 0, instanceId: "", clientId: "us" },
    ...{ sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 5_000, maxWaitMs: 0 },
    ...{ topics: [{ topic: "orders" }], pattern: "", owned: [] },
  });
}
