import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Acl, aclFault, aclKey } from "../../src/security/acl.js";
import { Authorizer, type Question } from "../../src/security/authorizer.js";
import { ConnectionCaller } from "../../src/security/connection-caller.js";

const READ_ORDERS: Acl = {
  resourceType: "TOPIC",
  resourceName: "orders",
  patternType: "LITERAL",
  principal: "User:ann",
  host: "*",
  operation: "READ",
  permissionType: "ALLOW",
};

function acl(changes: Partial<Acl>): Acl {
  return { ...READ_ORDERS, ...changes };
}

function question(changes: Partial<Question> = {}): Question {
  return {
    principal: "User:ann",
    host: "10.0.0.1",
    operation: "READ",
    resourceType: "TOPIC",
    resourceName: "orders",
    ...changes,
  };
}

describe("the authorizer", () => {
  test("denies what no rule allows", () => {
    expect(new Authorizer().allows(question())).toBe(false);
    const authorizer = new Authorizer([READ_ORDERS]);
    expect(authorizer.allows(question())).toBe(true);
    expect(authorizer.allows(question({ operation: "WRITE" }))).toBe(false);
    expect(authorizer.allows(question({ principal: "User:bob" }))).toBe(false);
    expect(authorizer.allows(question({ resourceName: "orders2" }))).toBe(false);
    expect(authorizer.allows(question({ resourceType: "GROUP" }))).toBe(false);
  });

  test("matches wildcards of names, principals and hosts", () => {
    const rules = [acl({ resourceName: "*", principal: "User:*", host: "10.0.0.1" })];
    const authorizer = new Authorizer(rules);
    expect(authorizer.allows(question({ principal: "User:eve", resourceName: "x" }))).toBe(true);
    expect(authorizer.allows(question({ host: "10.0.0.2" }))).toBe(false);
  });

  test("matches prefixes", () => {
    const rule = acl({ resourceName: "team-a.", patternType: "PREFIXED" });
    const authorizer = new Authorizer([rule, acl({ resourceName: "te", patternType: "PREFIXED" })]);
    expect(authorizer.allows(question({ resourceName: "team-a.x" }))).toBe(true);
    expect(authorizer.allows(question({ resourceName: "te" }))).toBe(true);
    expect(authorizer.allows(question({ resourceName: "t" }))).toBe(false);
  });

  test("lets a rule that denies override all others", () => {
    const rules = [
      acl({ operation: "ALL", resourceName: "*" }),
      acl({ permissionType: "DENY", host: "10.0.0.9" }),
    ];
    const authorizer = new Authorizer(rules);
    expect(authorizer.allows(question())).toBe(true);
    expect(authorizer.allows(question({ host: "10.0.0.9" }))).toBe(false);
    expect(authorizer.allows(question({ host: "10.0.0.9", operation: "WRITE" }))).toBe(true);
  });

  test("allows what another operation implies, but denies only what a rule names", () => {
    const allowed = new Authorizer([READ_ORDERS]);
    expect(allowed.allows(question({ operation: "DESCRIBE" }))).toBe(true);
    expect(allowed.allows(question({ operation: "DESCRIBE_CONFIGS" }))).toBe(false);
    const denied = new Authorizer([
      acl({ operation: "DESCRIBE" }),
      acl({ permissionType: "DENY" }),
    ]);
    expect(denied.allows(question({ operation: "DESCRIBE" }))).toBe(true);
  });

  test("knows whether anything of a type is allowed", () => {
    const any = {
      principal: "User:ann",
      host: "h",
      operation: "WRITE",
      resourceType: "TOPIC",
    } as const;
    const write = acl({ operation: "WRITE", resourceName: "a-b", patternType: "PREFIXED" });
    expect(new Authorizer([READ_ORDERS]).allowsOnAny(any)).toBe(false);
    expect(new Authorizer([write]).allowsOnAny(any)).toBe(true);
    const deny = (changes: Partial<Acl>) =>
      acl({ operation: "ALL", permissionType: "DENY", ...changes });
    const covering = deny({ resourceName: "a", patternType: "PREFIXED" });
    expect(new Authorizer([write, covering]).allowsOnAny(any)).toBe(false);
    expect(new Authorizer([write, deny({ resourceName: "*" })]).allowsOnAny(any)).toBe(false);
    expect(new Authorizer([write, deny({ resourceName: "a-b" })]).allowsOnAny(any)).toBe(true);
  });

  const names = fc.constantFrom("a", "ab", "abc", "b", "*");
  const rule = fc.record({
    resourceType: fc.constant("TOPIC" as const),
    resourceName: names,
    patternType: fc.constantFrom("LITERAL" as const, "PREFIXED" as const),
    principal: fc.constantFrom("User:ann" as const, "User:*" as const, "User:bob" as const),
    host: fc.constantFrom("*", "10.0.0.1", "10.0.0.2"),
    operation: fc.constantFrom("ALL" as const, "READ" as const, "DESCRIBE" as const),
    permissionType: fc.constantFrom("ALLOW" as const, "ALLOW" as const, "DENY" as const),
  });

  test("decides after many changes as if it had had the rules from the beginning", () => {
    const change = fc.record({
      added: fc.array(rule, { maxLength: 4 }),
      removed: fc.array(rule, { maxLength: 8 }),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 6 }), (changes) => {
        const authorizer = new Authorizer();
        for (const { added, removed } of changes) {
          const expected = [...authorizer.after(added, removed)].map(aclKey).sort();
          authorizer.change(added, removed);
          expect([...authorizer.rules].map(aclKey).sort()).toEqual(expected);
          expect(added.every((acl) => authorizer.has(acl))).toBe(true);
        }
        const fresh = new Authorizer(authorizer.rules);
        for (const principal of ["User:ann", "User:bob"] as const) {
          for (const resourceName of ["a", "ab", "abc", "abd", "b", "c", "*"]) {
            const asked = question({ principal, resourceName });
            expect(authorizer.allows(asked)).toBe(fresh.allows(asked));
          }
          const any = question({ principal });
          expect(authorizer.allowsOnAny(any)).toBe(fresh.allowsOnAny(any));
        }
      }),
      { numRuns: 200 },
    );
  });

  test("decides as a search through all rules would", () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 8 }), names, (rules, resourceName) => {
        const authorizer = new Authorizer(rules);
        for (const operation of ["READ", "DESCRIBE"] as const) {
          const asked = question({ resourceName, operation });
          const about = rules.filter(
            ({ principal, host, resourceName: pattern, patternType }) =>
              principal !== "User:bob" &&
              host !== "10.0.0.2" &&
              (patternType === "PREFIXED"
                ? resourceName.startsWith(pattern)
                : pattern === "*" || pattern === resourceName),
          );
          const named = about.filter((it) => it.operation === "ALL" || it.operation === operation);
          const expected =
            !named.some((it) => it.permissionType === "DENY") &&
            (named.length > 0 ||
              (operation === "DESCRIBE" &&
                about.some((it) => it.operation === "READ" && it.permissionType === "ALLOW")));
          expect(authorizer.allows(asked)).toBe(expected);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("a rule", () => {
  test("is refused if it means nothing", () => {
    expect(aclFault(READ_ORDERS)).toBeUndefined();
    expect(aclFault(acl({ resourceName: "" }))).toContain("empty");
    expect(aclFault(acl({ resourceType: "CLUSTER" }))).toContain("kafka-cluster");
    expect(aclFault(acl({ resourceType: "GROUP", operation: "WRITE" }))).toContain("no operation");
    expect(aclFault(acl({ host: "example.com" }))).toContain("no IP address");
    expect(aclFault({ ...READ_ORDERS, principal: "User:" })).toContain("User:NAME");
  });

  test("has a text of its own", () => {
    expect(aclKey(READ_ORDERS)).toBe(aclKey({ ...READ_ORDERS }));
    expect(aclKey(READ_ORDERS)).not.toBe(aclKey(acl({ permissionType: "DENY" })));
  });
});

test("a caller remembers decisions until the rules change", () => {
  const authorizer = new Authorizer([READ_ORDERS]);
  const context = { authorizer, mechanisms: new Map(), now: Date.now };
  const identity = { principal: "User:ann", isCurrent: () => true } as const;
  const caller = new ConnectionCaller({ address: "10.0.0.1" }, context, identity);
  expect(caller.may("READ", "TOPIC", "orders")).toBe(true);
  expect(caller.may("WRITE", "TOPIC", "orders")).toBe(false);
  authorizer.change([acl({ operation: "WRITE" })], [READ_ORDERS]);
  expect(caller.may("READ", "TOPIC", "orders")).toBe(false);
  expect(caller.may("WRITE", "TOPIC", "orders")).toBe(true);
});

test("a login that has failed is the last one of its connection", async () => {
  let checks = 0;
  const step = async (): Promise<never> => {
    checks++;
    throw new Error("the password is wrong");
  };
  const mechanisms = new Map([["PLAIN", () => ({ mechanism: "PLAIN", step })]]);
  const context = { authorizer: new Authorizer(), mechanisms, now: Date.now };
  const caller = new ConnectionCaller({ address: "10.0.0.1" }, context);
  caller.begin("PLAIN");
  expect(caller.step(new Uint8Array())).rejects.toThrow("the password is wrong");
  // The failure is answered late, and only then the connection ends.
  expect(() => caller.begin("PLAIN")).toThrow("under way");
  expect(caller.step(new Uint8Array())).rejects.toThrow("no login has begun");
  await Promise.resolve();
  expect(() => caller.begin("PLAIN")).toThrow("under way");
  expect(checks).toBe(1);
});

test("a caller does not remember more names than a bound", () => {
  let asked = 0;
  const authorizer = new Authorizer();
  authorizer.allows = () => {
    asked++;
    return false;
  };
  const context = { authorizer, mechanisms: new Map(), now: Date.now };
  const caller = new ConnectionCaller({ address: "10.0.0.1" }, context);
  const ask = (name: string) => caller.may("DESCRIBE", "GROUP", name);
  ask("g");
  ask("g");
  expect(asked).toBe(1);
  // Clients choose the names of groups, which are up to 32 KiB long.
  for (let i = 0; i < 8; i++) ask(`${i}`.padEnd(32 * 1024));
  ask("g");
  expect(asked).toBe(10);
});
