import { expect, test } from "bun:test";
import { PasswordChecks } from "../../src/security/password-checks.js";

test("few checks run at once, and addresses take turns", async () => {
  const checks = new PasswordChecks(2);
  const begun: string[] = [];
  let running = 0;
  let most = 0;
  const check = (name: string) => async (): Promise<void> => {
    begun.push(name);
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
  };
  const flood = Array.from({ length: 6 }, (_, i) => checks.run("attacker", check(`a${i}`)));
  const others = ["b", "c"].map((host) => checks.run(host, check(host)));
  await Promise.all([...flood, ...others]);
  expect(most).toBe(2);
  expect(begun).toEqual(["a0", "a1", "a2", "b", "c", "a3", "a4", "a5"]);
  await checks.run("d", check("d"));
  expect(begun.at(-1)).toBe("d");
});

test("a check that fails makes place for the next one", async () => {
  const checks = new PasswordChecks(1);
  const failed = checks.run("a", () => Promise.reject(new Error("no")));
  const next = checks.run("b", () => Promise.resolve(1));
  expect(failed).rejects.toThrow("no");
  expect(await next).toBe(1);
});
