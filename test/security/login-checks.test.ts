import { expect, test } from "bun:test";
import { LoginChecks } from "../../src/security/login-checks.js";

const client = (host: string, isGone = false) => ({ host, isGone });

test("few checks run at once, and addresses take turns", async () => {
  const checks = new LoginChecks(2);
  const begun: string[] = [];
  let running = 0;
  let most = 0;
  const check = (name: string) => async (): Promise<void> => {
    begun.push(name);
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
  };
  const flood = Array.from({ length: 6 }, (_, i) => checks.run(client("attacker"), check(`a${i}`)));
  const others = ["b", "c"].map((host) => checks.run(client(host), check(host)));
  await Promise.all([...flood, ...others]);
  expect(most).toBe(2);
  expect(begun).toEqual(["a0", "a1", "a2", "b", "c", "a3", "a4", "a5"]);
  await checks.run(client("d"), check("d"));
  expect(begun.at(-1)).toBe("d");
});

test("a check that fails makes place for the next one", async () => {
  const checks = new LoginChecks(1);
  const failed = checks.run(client("a"), () => Promise.reject(new Error("no")));
  const next = checks.run(client("b"), () => Promise.resolve(1));
  expect(failed).rejects.toThrow("no");
  expect(await next).toBe(1);
});

test("nothing is checked for a client that has left", async () => {
  const checks = new LoginChecks(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = checks.run(client("a"), () => promise);
  const leaving = { host: "a", isGone: false };
  let begun = 0;
  const left = checks.run(leaving, async () => {
    begun++;
  });
  const last = checks.run(client("a"), () => Promise.resolve("last"));
  leaving.isGone = true;
  resolve();
  await first;
  expect(left).rejects.toThrow("has left");
  expect(await last).toBe("last");
  expect(begun).toBe(0);
});
