// The connections view in a real browser.
// Skipped without Chromium. Leaves to others: the answers (api/routes.test.ts).
import { describe, test, expect } from "bun:test";
import { KAFKA_APIS } from "../../../../src/protocol/kafka/apis.js";
import { CHROMIUM } from "../../../support/browser.js";
import { KafkaClient } from "../../../support/kafka-client.js";
import { BROWSER_TIMEOUT_MS, pageBrowser } from "../../../support/page-browser.js";
import { startPage } from "../../../support/page-sample.js";

const browser = pageBrowser();

describe.skipIf(CHROMIUM === undefined)("the connections view", () => {
  test(
    "lists the connections with their protocols",
    async () => {
      await using sample = await startPage();
      using kafka = await KafkaClient.connect(sample.broker.port);
      const software = { clientSoftwareName: "franz-go", clientSoftwareVersion: "1.22.3" };
      await kafka.call(KAFKA_APIS.ApiVersions, 3, software);
      const page = await browser.open(`${sample.url}#/connections`);
      await page.until(
        "document.querySelector('#connections h2')?.textContent === '1 connection: 1 kafka'",
      );
      await page.until("document.querySelectorAll('#connections td').length > 2");
      const cells = await page.evaluate<string>(
        "[...document.querySelectorAll('#connections td')].slice(0, 3).map((cell) => cell.textContent).join()",
      );
      expect(cells).toBe("kafka,test,franz-go 1.22.3");
    },
    BROWSER_TIMEOUT_MS,
  );
});
