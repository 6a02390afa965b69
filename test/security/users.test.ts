import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { CredentialShapes } from "../../src/security/credential-shapes.js";
import type { ScramCredential } from "../../src/security/scram.js";
import { Users } from "../../src/security/users.js";

function credential(iterations: number, saltBytes: number, keyBytes: number): ScramCredential {
  const [salt, storedKey, serverKey] = [saltBytes, keyBytes, keyBytes].map((n) => randomBytes(n));
  return { iterations, salt: salt!, storedKey: storedKey!, serverKey: serverKey! };
}

test("an unknown name is challenged like some user, always in the same way", () => {
  const users = new Users();
  const plain = users.credential("nobody", "SCRAM-SHA-256");
  expect([plain.iterations, plain.salt.length]).toEqual([4096, 20]);
  users.set({ name: "ann", credentials: { "SCRAM-SHA-256": credential(8192, 26, 32) } });
  const first = users.credential("nobody", "SCRAM-SHA-256");
  expect([first.iterations, first.salt.length, first.storedKey.length]).toEqual([8192, 26, 32]);
  expect(users.credential("nobody", "SCRAM-SHA-256").salt).toEqual(first.salt);
  expect(users.credential("someone", "SCRAM-SHA-256").salt).not.toEqual(first.salt);
  // Nobody has SHA-512, and whether ann is asked or not, it is the default.
  for (const name of ["ann", "nobody"]) {
    expect(users.credential(name, "SCRAM-SHA-512").iterations).toBe(4096);
  }
  users.delete("ann");
  expect(users.credential("nobody", "SCRAM-SHA-256").iterations).toBe(4096);
});

test("a password of an unknown name is checked as long as that of a user who has only SCRAM-SHA-512", () => {
  const users = new Users();
  users.set({ name: "ann", credentials: { "SCRAM-SHA-512": credential(9_000, 20, 64) } });
  for (const name of ["ann", "nobody"]) {
    const checked = users.plainCredential(name);
    expect([checked.mechanism, checked.credential.iterations]).toEqual(["SCRAM-SHA-512", 9_000]);
    expect(checked.credential.storedKey.length).toBe(64);
  }
});

test("unknown names have the shapes of users as often as users do, and keep them when one user changes", () => {
  const shapes = new CredentialShapes();
  const shape = (iterations: number) =>
    ({ mechanism: "SCRAM-SHA-256", iterations, saltBytes: 20 }) as const;
  for (let i = 0; i < 90; i++) shapes.add(shape(4096));
  for (let i = 0; i < 30; i++) shapes.add(shape(8192));
  const choose = (): number[] =>
    Array.from(
      { length: 4_000 },
      (_, i) => shapes.choose(Math.imul(i, 0x9e3779b1), "SCRAM-SHA-256").iterations,
    );
  const before = choose();
  const share = before.filter((iterations) => iterations === 8192).length / before.length;
  expect(share).toBeGreaterThan(0.2);
  expect(share).toBeLessThan(0.3);
  shapes.add(shape(8192));
  const changed = choose().filter((iterations, i) => iterations !== before[i]);
  expect(changed.length).toBeLessThan(100);
});
