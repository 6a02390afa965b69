import { expect, test } from "bun:test";
import type { Acl } from "../../src/security/acl.js";
import { EVERYONE, type Caller } from "../../src/security/caller.js";
import { Quotas } from "../../src/security/quotas.js";
import { Security } from "../../src/security/security.js";
import { saltPassword } from "../../src/security/scram.js";
import type { AclFilter } from "../../src/security/acl-changes.js";
import { addAcls, changeAcls, deleteAcls, listAcls } from "../../src/services/acls.js";
import { type ServiceContext, withCaller } from "../../src/services/context.js";
import type { CredentialChange, UserChangeOptions } from "../../src/security/user-changes.js";
import { changeQuotas } from "../../src/services/quotas.js";
import { changeCredentials, describeUsers } from "../../src/services/users.js";
import { Random } from "../support/random.js";
import { openServices } from "../support/services.js";
import { SimulatedDisk } from "../support/simulated-disk.js";

const MECHANISM = "SCRAM-SHA-256";

async function passwordOf(user: string, iterations = 4096): Promise<CredentialChange> {
  const salt = Buffer.from("salt");
  const saltedPassword = await saltPassword(MECHANISM, "s3cret", salt, 4096);
  return { user, mechanism: MECHANISM, salted: { salt, saltedPassword, iterations } };
}

async function add(context: ServiceContext, user: string, options: UserChangeOptions = {}) {
  const [error] = await changeCredentials(context, [await passwordOf(user)], options);
  return error?.message;
}

function rule(changes: Partial<Acl> = {}): Acl {
  return {
    ...{ resourceType: "TOPIC", resourceName: "orders", patternType: "LITERAL" },
    ...{ principal: "User:ann", host: "*", operation: "READ", permissionType: "ALLOW" },
    ...changes,
  };
}

async function withAdministrator(): Promise<ServiceContext> {
  const context = await openServices();
  expect(await add(context, "root", { asAdministrators: true })).toBeUndefined();
  return context;
}

test("the first user is an administrator, and the last one stays", async () => {
  const context = await openServices();
  expect(await add(context, "ann")).toContain("has to be an administrator");
  expect(context.security.isEnabled).toBe(false);
  expect(await add(context, "root", { asAdministrators: true })).toBeUndefined();
  expect((await listAcls(context, {})).map(({ resourceType }) => resourceType)).toEqual([
    ...(["TOPIC", "GROUP", "CLUSTER", "TRANSACTIONAL_ID"] as const),
  ]);
  expect(await add(context, "ann")).toBeUndefined();
  const deletion = (user: string) => changeCredentials(context, [{ user, mechanism: MECHANISM }]);
  expect(await deletion("ann")).toEqual([undefined]);
  expect((await deletion("ann"))[0]).toMatchObject({ code: "RESOURCE_NOT_FOUND" });
  expect((await deletion("root"))[0]?.message).toContain("the last user can't be deleted");
  expect(describeUsers(context, ["ann", "root"])).toEqual([
    undefined,
    { name: "root", mechanisms: [{ mechanism: MECHANISM, iterations: 4096 }] },
  ]);
});

test("a bad password changes nothing, and the others are stored", async () => {
  const context = await withAdministrator();
  const good = await passwordOf("ann");
  const changes = [
    good,
    await passwordOf(""),
    await passwordOf("bob", 10),
    // Rules for this user would be for everybody.
    await passwordOf("*"),
    { ...good, user: "cid", salted: { ...good.salted!, saltedPassword: new Uint8Array(3) } },
  ];
  const outcomes = await changeCredentials(context, changes);
  expect(outcomes.map((error) => error?.code)).toEqual([
    undefined,
    ...Array.from({ length: 4 }, () => "UNACCEPTABLE_CREDENTIAL" as const),
  ]);
  expect(describeUsers(context).map(({ name }) => name)).toEqual(["ann", "root"]);
});

/** A caller that has logged in with this name, and may do nothing. */
function withoutPermissions(context: ServiceContext, user: string): ServiceContext {
  const login = {
    mechanisms: [],
    begun: undefined,
    claimedUser: undefined,
    expiresAtMs: undefined,
    isGone: false,
  };
  return withCaller(context, {
    ...EVERYONE,
    principal: `User:${user}`,
    login: { ...login, begin() {}, step: () => Promise.reject(new Error("not called")) },
    may: () => false,
  } satisfies Caller);
}

test("a user without permissions changes its own password, and nothing else", async () => {
  const context = await withAdministrator();
  await add(context, "ann");
  const ann = withoutPermissions(context, "ann");
  expect(await add(ann, "ann")).toBeUndefined();
  expect(await add(ann, "root")).toContain("no permission ALTER on the cluster");
  expect(await add(ann, "eve")).toContain("no permission ALTER on the cluster");
  const deletion = await changeCredentials(ann, [{ user: "ann", mechanism: MECHANISM }]);
  expect(deletion[0]?.code).toBe("CLUSTER_AUTHORIZATION_FAILED");
  expect(() => describeUsers(ann)).toThrow("no permission DESCRIBE");
  expect(listAcls(ann, {})).rejects.toThrow("no permission DESCRIBE");
  expect(addAcls(ann, [rule()])).rejects.toThrow("no permission ALTER");
  expect(deleteAcls(ann, [{}])).rejects.toThrow("no permission ALTER");
});

test("who has logged in with a certificate or a token does not become a user with a password", async () => {
  const context = await withAdministrator();
  const robot = withoutPermissions(context, "CN=robot");
  expect(await add(robot, "CN=robot")).toContain("no permission ALTER on the cluster");
  expect(await add(robot, "CN=robot", { asAdministrators: true })).toContain("no permission");
  expect(describeUsers(context).map(({ name }) => name)).toEqual(["root"]);
  expect(await listAcls(context, { principal: "User:CN=robot" })).toEqual([]);
});

test("a user who is deleted meanwhile does not come back by changing its password", async () => {
  const context = await withAdministrator();
  await add(context, "ann");
  const ann = withoutPermissions(context, "ann");
  const deletion = changeCredentials(context, [{ user: "ann", mechanism: MECHANISM }]);
  const password = await passwordOf("ann");
  const change = changeCredentials(ann, [password], { asAdministrators: true });
  const again = changeCredentials(ann, [password]);
  expect(await deletion).toEqual([undefined]);
  for (const [error] of [await change, await again])
    expect(error?.code).toBe("CLUSTER_AUTHORIZATION_FAILED");
  expect(describeUsers(context).map(({ name }) => name)).toEqual(["root"]);
});

test("rules are added once, found by filters, and deleted", async () => {
  const context = await openServices();
  expect(listAcls(context, {})).rejects.toThrow("No Authorizer");
  await add(context, "root", { asAdministrators: true });
  const rules = [
    rule(),
    rule({ operation: "WRITE" }),
    rule({ resourceName: "ord", patternType: "PREFIXED" }),
    rule({ resourceName: "*", host: "10.0.0.1", permissionType: "DENY" }),
  ];
  expect(await addAcls(context, [...rules, ...rules])).toEqual(
    rules.flatMap(() => [undefined, undefined]),
  );
  expect((await addAcls(context, [rule({ host: "example.com" })]))[0]?.message).toContain(
    "no IP address",
  );
  const ann: AclFilter = { principal: "User:ann" };
  const count = async (filter: AclFilter): Promise<number> =>
    (await listAcls(context, { ...ann, ...filter })).length;
  expect(await count({})).toBe(4);
  expect(await count({ resourceName: "orders" })).toBe(2);
  expect(await count({ resourceName: "orders", patternType: "LITERAL" })).toBe(2);
  expect(await count({ resourceName: "orders", patternType: "MATCH" })).toBe(4);
  expect(await count({ resourceName: "other", patternType: "MATCH" })).toBe(1);
  expect(await count({ operation: "WRITE" })).toBe(1);
  expect(await count({ permissionType: "DENY" })).toBe(1);
  const deleted = await deleteAcls(context, [
    { ...ann, resourceName: "orders" },
    { ...ann, host: "h" },
  ]);
  expect(deleted.map(({ length }) => length)).toEqual([2, 0]);
  expect(await count({})).toBe(2);
});

test("what an administrator asked for is not done once it is none any more", async () => {
  let isAdministrator = true;
  const context = await openServices({
    security: new Security(undefined, async () => {
      isAdministrator = false;
    }),
  });
  await add(context, "root", { asAdministrators: true });
  isAdministrator = true;
  const ann = withCaller(context, {
    ...withoutPermissions(context, "ann").caller,
    may: () => isAdministrator,
  });
  const removal = changeAcls(context, [rule()], []);
  const more = rule({ resourceType: "CLUSTER", resourceName: "kafka-cluster", operation: "ALTER" });
  // They wait for the change before them.
  const late = [addAcls(ann, [more]), changeAcls(ann, [more], []), deleteAcls(ann, [{}])];
  const outcomes = await Promise.allSettled(late);
  await removal;
  expect(outcomes[0]).toMatchObject({ value: [{ code: "CLUSTER_AUTHORIZATION_FAILED" }] });
  for (const outcome of outcomes.slice(1))
    expect(outcome).toMatchObject({ reason: { code: "CLUSTER_AUTHORIZATION_FAILED" } });
  expect(await listAcls(context, { principal: "User:ann" })).toEqual([rule()]);
});

test("a change of users is told, so that their connections end at once, and no other change", async () => {
  const context = await withAdministrator();
  let told = 0;
  context.security.onUsersChanged = () => told++;
  expect(await addAcls(context, [rule()])).toEqual([undefined]);
  expect(await add(context, "*")).toContain("can't be named");
  expect(told).toBe(0);
  await add(context, "ann");
  await changeCredentials(context, [{ user: "ann", mechanism: MECHANISM }]);
  expect(told).toBe(2);
});

test("somebody stays who may change users and rules", async () => {
  const context = await withAdministrator();
  const { security } = context;
  const [, , cluster] = await listAcls(context, {});
  const locked = { code: "INVALID_REQUEST", message: expect.stringContaining("nobody could") };
  const lockOut = async (): Promise<void> => {
    await expect(deleteAcls(context, [{ principal: "User:root" }])).rejects.toMatchObject(locked);
    await expect(changeAcls(context, [], [cluster!])).rejects.toMatchObject(locked);
    const denial: Acl = { ...cluster!, operation: "ALTER", permissionType: "DENY" };
    expect(await addAcls(context, [denial])).toMatchObject([locked]);
    // A user who logs in from everywhere is not locked out by a rule for one address.
    expect(await addAcls(context, [{ ...denial, host: "10.0.0.1" }])).toEqual([undefined]);
  };
  await lockOut();
  // Nobody logs in as this one.
  const other: Acl = { ...cluster!, principal: "User:CN=other", operation: "ALTER" };
  expect(await addAcls(context, [other])).toEqual([undefined]);
  await lockOut();
  const deletion = { user: "root", mechanism: MECHANISM } as const;
  expect(await add(context, "ann")).toBeUndefined();
  expect(await changeCredentials(context, [deletion])).toMatchObject([locked]);
  // Another administrator takes the place, in the same change or before.
  await changeAcls(context, [{ ...other, principal: "User:ann" }], [cluster!]);
  await expect(deleteAcls(context, [{ principal: "User:ann" }])).rejects.toMatchObject(locked);
  expect(await changeCredentials(context, [deletion])).toEqual([undefined]);
  // With certificates or tokens there is somebody of this name.
  security.require();
  expect(await changeCredentials(context, [await passwordOf("bob")])).toEqual([undefined]);
  expect(await deleteAcls(context, [{ principal: "User:ann" }])).toHaveLength(1);
  await expect(deleteAcls(context, [{}])).rejects.toMatchObject(locked);
});

test("a change of quotas is not made once its caller may not make it any more", async () => {
  let isAdministrator = true;
  const quotas = new Quotas([], async () => {
    await Promise.resolve();
    isAdministrator = false;
  });
  const context = await openServices({ quotas });
  const ann = withCaller(context, { ...EVERYONE, may: () => isAdministrator });
  const change = { entity: { user: "ann" }, values: new Map([["producer_byte_rate", 1]]) };
  const wanted = [change, { ...change, entity: { user: "bob" } }];
  const outcomes = await Promise.all(
    wanted.map((each) => changeQuotas(ann, [each], { validateOnly: false })),
  );
  expect(outcomes).toMatchObject([[undefined], [{ code: "CLUSTER_AUTHORIZATION_FAILED" }]]);
  expect(quotas.list().map(({ entity }) => entity.user)).toEqual(["ann"]);
});

test("a rule for an address holds however the address is written", async () => {
  const context = await withAdministrator();
  const forms = ["2001:DB8:0:0:0:0:0:1", "2001:db8::0001", "2001:db8::1"];
  await addAcls(context, [rule({ host: forms[0]!, permissionType: "DENY" }), rule()]);
  await addAcls(context, [rule({ host: "::FFFF:10.0.0.1", permissionType: "DENY" })]);
  for (const host of forms) expect(await listAcls(context, { host })).toHaveLength(1);
  const { authorizer } = context.security;
  const asked = { principal: "User:ann", operation: "READ", resourceType: "TOPIC" } as const;
  const isAllowed = (host: string) => authorizer.allows({ ...asked, resourceName: "orders", host });
  expect(["2001:db8::1", "10.0.0.1", "10.0.0.2"].map(isAllowed)).toEqual([false, false, true]);
  expect(
    await changeAcls(context, [], [rule({ host: forms[1]!, permissionType: "DENY" })]),
  ).toEqual({
    ...{ added: 0, deleted: 1 },
  });
  const [refused] = await addAcls(context, [rule({ host: "fe80::1%eth0" })]);
  expect(refused?.message).toContain("is no IP address");
});

test("a change that the disk has no room for is refused, and changes nothing", async () => {
  const disk = new SimulatedDisk(new Random(1));
  disk.makeDirectory("data");
  const context = await openServices({ security: Security.open(disk, "data") });
  await add(context, "root", { asAdministrators: true });
  disk.setCapacity(disk.usedBytes + 10);
  const full = { code: "DISK_FULL" } as const;
  expect(await changeCredentials(context, [await passwordOf("ann")])).toMatchObject([full]);
  expect(await addAcls(context, [rule()])).toMatchObject([full]);
  await expect(changeAcls(context, [rule()], [])).rejects.toMatchObject(full);
  await expect(deleteAcls(context, [{ resourceType: "TOPIC" }])).rejects.toMatchObject(full);
  const count = (await listAcls(context, {})).length;
  for (const security of [context.security, Security.open(disk, "data")])
    expect([security.users.size, security.authorizer.size]).toEqual([1, count]);
  disk.setCapacity(Number.POSITIVE_INFINITY);
  expect(await addAcls(context, [rule()])).toEqual([undefined]);
  expect(Security.open(disk, "data").authorizer.size).toBe(count + 1);
});
