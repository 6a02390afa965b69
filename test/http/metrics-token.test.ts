// Tokens for /metrics and /health: which requests carry one, and what becomes of a file that changes.
// Leaves to others: what is answered (monitoring.test.ts), and users (page-permissions.test.ts).
import { expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MetricsTokens } from "../../src/http/metrics-token.js";
import { startPage } from "../support/page-sample.js";
import { addUsers } from "../support/page-users.js";
import { tempDir } from "../support/tmp.js";

const FIRST = "first-token-0123456789";
const SECOND = "second-token-0123456789";

function bearer(token: string): Request {
  return new Request("http://localhost/", { headers: { authorization: `Bearer ${token}` } });
}

test("any line of the file is accepted, until the file says something else", () => {
  using directory = tempDir();
  const path = join(directory.path, "tokens");
  writeFileSync(path, `${FIRST}\n\n${SECOND}\r\n`);
  const lines: string[] = [];
  let nowMs = 0;
  const tokens = new MetricsTokens(
    path,
    (line) => lines.push(line),
    () => nowMs,
  );
  const accepted = (): string[] =>
    [FIRST, SECOND].filter((token) => {
      nowMs += 1_000;
      return tokens.accepts(bearer(token));
    });
  expect(accepted()).toEqual([FIRST, SECOND]);
  for (const wrong of ["", "x", FIRST.slice(1), `${FIRST}x`, `${FIRST} ${SECOND}`])
    expect(tokens.accepts(bearer(wrong))).toBe(false);
  expect(tokens.accepts(new Request("http://localhost/"))).toBe(false);
  const basic = { authorization: `Basic ${FIRST}` };
  expect(tokens.accepts(new Request("http://localhost/", { headers: basic }))).toBe(false);
  writeFileSync(path, SECOND);
  expect(accepted()).toEqual([SECOND]);
  rmSync(path);
  expect(accepted()).toEqual([]);
  expect(lines[0]).toContain("no token for metrics is accepted: --metrics-token-file");
  writeFileSync(path, "too short");
  expect(accepted()).toEqual([]);
  writeFileSync(path, FIRST);
  expect(accepted()).toEqual([FIRST]);
  expect(lines.join()).not.toContain(FIRST);
});

test.each([
  ["is missing", undefined, "ENOENT"],
  ["is empty", "\n", "it is empty"],
  ["has a short token", "secret", "at least 16 characters"],
  ["is not one of tokens", "x".repeat(20_000), "too large"],
])("a file that %s is refused at the start", (_, content, message) => {
  using directory = tempDir();
  const path = join(directory.path, "tokens");
  if (content !== undefined) writeFileSync(path, content);
  expect(() => new MetricsTokens(path, () => {})).toThrow(message);
  expect(() => new MetricsTokens(path, () => {})).toThrow(path);
});

test("metrics need a token once there is one, and health says more with it", async () => {
  using directory = tempDir();
  const path = join(directory.path, "tokens");
  writeFileSync(path, FIRST);
  const tokens = new MetricsTokens(path, () => {});
  await using page = await startPage({}, undefined, { tokens });
  await page.broker.context.registry.create("orders", 1, {});
  const authorization = `Bearer ${FIRST}`;
  for (const isSecured of [false, true]) {
    if (isSecured) await addUsers(page.broker.context, { ann: "everything" });
    for (const headers of [{}, { authorization: `Bearer ${SECOND}` }] as Record<string, string>[]) {
      const refused = await fetch(`${page.url}metrics`, { headers });
      expect(refused.status).toBe(401);
      expect(refused.headers.get("www-authenticate")).toBe('Bearer realm="rustlog"');
      expect(await refused.text()).not.toContain("orders");
      const health = await fetch(`${page.url}health`, { headers });
      expect(`${health.status} ${await health.text()}`).toBe('200 {"status":"ok"}');
    }
    const headers = { authorization };
    const metrics = await (await fetch(`${page.url}metrics`, { headers })).text();
    expect(metrics).toContain('topic="orders"');
    const health = await (await fetch(`${page.url}health`, { headers })).json();
    expect(health).toMatchObject({ status: "ok", address: page.broker.address });
    // A token is not a login on the page.
    if (isSecured) expect((await fetch(`${page.url}api/session`, { headers })).status).toBe(401);
  }
});
