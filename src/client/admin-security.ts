// What an administrator asks about users, rules and quotas.
// Leaves to others: what each call promises (admin), and sending it (admin-requests).

import { RustLogError } from "../errors.js";
import { AlterQuotas, DescribeQuotas, type QuotaRow } from "../protocol/native/quotas.js";
import {
  type AclRow,
  AlterAcls,
  AlterUser,
  DescribeAcls,
  DescribeUsers,
} from "../protocol/native/security.js";
import { createSalted, SCRAM_MECHANISMS } from "../security/scram.js";
import type { AdminRequests } from "./admin-requests.js";
import type {
  Acl,
  AclFilter,
  Quota,
  QuotaChange,
  UserListing,
  UserOptions,
} from "./admin-types.js";
import { checkArray, checkBoolean, checkObject, checkString, wrongType } from "./argument-check.js";
import { callOf } from "./link.js";
import { allOf, pagesOf } from "./pages.js";

export class SecurityAdmin {
  readonly #requests: AdminRequests;

  constructor(requests: AdminRequests) {
    this.#requests = requests;
  }

  async listUsers(): Promise<UserListing[]> {
    const pages = pagesOf<{ readonly user: string; readonly mechanisms: string }>(async (after) => {
      const page = { after: after?.user ?? "", limit: 0 };
      const { users, more } = await this.#requests.send(callOf(DescribeUsers, page));
      return { items: users, more };
    });
    return (await allOf(pages)).map(({ user, mechanisms }) => ({
      name: user,
      mechanisms: mechanisms === "" ? [] : mechanisms.split(","),
    }));
  }

  async setPassword(name: string, password: string, options: UserOptions): Promise<boolean> {
    checkString("INVALID_REQUEST", "name of the user", name);
    checkString("INVALID_REQUEST", "password", password);
    checkObject("INVALID_REQUEST", "the options of a user", options);
    if (password === "") {
      throw new RustLogError("UNACCEPTABLE_CREDENTIAL", `the password of user '${name}' is empty`);
    }
    const isAdministrator = options.administrator ?? false;
    checkBoolean("INVALID_REQUEST", "administrator", isAdministrator);
    const credentials = await Promise.all(
      SCRAM_MECHANISMS.map((mechanism) => createSalted(mechanism, password)),
    );
    const request = { user: name, isAdministrator, credentials };
    return (await this.#requests.send(callOf(AlterUser, request))).existed;
  }

  async deleteUser(name: string): Promise<void> {
    checkString("INVALID_REQUEST", "name of the user", name);
    const request = { user: name, isAdministrator: false, credentials: [] };
    await this.#requests.send({ ...callOf(AlterUser, request), repeatable: false });
  }

  async listAcls(filter: AclFilter): Promise<Acl[]> {
    checkObject("INVALID_REQUEST", "the filter of rules", filter);
    const row = { ...ANY_ACL, ...aclRow("a filter of rules", filter) };
    let skip = 0;
    const pages = pagesOf<AclRow>(async () => {
      const page = await this.#requests.send(callOf(DescribeAcls, { skip, limit: 0, ...row }));
      skip += page.acls.length;
      return { items: page.acls, more: page.more };
    });
    // The broker has checked each when it was added.
    return (await allOf(pages)) as readonly AclRow[] as Acl[];
  }

  async alterAcls(change: {
    readonly add?: readonly Acl[];
    readonly delete?: readonly Acl[];
  }): Promise<{ readonly added: number; readonly deleted: number }> {
    checkObject("INVALID_REQUEST", "the change of rules", change);
    const rows = (what: string, acls: readonly Acl[] = []): AclRow[] => {
      checkArray("INVALID_REQUEST", what, acls);
      return acls.map((acl) => ({ ...ANY_ACL, ...aclRow(`an item of ${what}`, acl) }));
    };
    const request = { added: rows("add", change.add), deleted: rows("delete", change.delete) };
    return await this.#requests.send(callOf(AlterAcls, request));
  }

  async listQuotas(): Promise<Quota[]> {
    let skip = 0;
    const pages = pagesOf<QuotaRow>(async () => {
      const page = await this.#requests.send(callOf(DescribeQuotas, { skip, limit: 0 }));
      skip += page.quotas.length;
      return { items: page.quotas, more: page.more };
    });
    return (await allOf(pages)).map(quotaOf);
  }

  async alterQuotas(changes: readonly QuotaChange[]): Promise<void> {
    checkArray("INVALID_REQUEST", "the changes of quotas", changes);
    await this.#requests.send(callOf(AlterQuotas, { quotas: changes.map(quotaRow) }));
  }
}

/** A filter that every rule passes. */
const ANY_ACL: AclRow = {
  ...{ resourceType: "", resourceName: "", patternType: "", principal: "" },
  ...{ host: "", operation: "", permissionType: "" },
};

function aclRow(what: string, fields: Readonly<Record<string, unknown>> | object): Partial<AclRow> {
  checkObject("INVALID_REQUEST", what, fields);
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    if (!(name in ANY_ACL))
      throw new RustLogError("INVALID_REQUEST", `${what} has no field ${name}`);
    checkString("INVALID_REQUEST", `${name} of ${what}`, value);
  }
  return Object.fromEntries(given);
}

/** Names of the broker for the fields of an entity. */
const ENTITY_TYPES = { user: "user", clientId: "client-id", ip: "ip" } as const;

function quotaOf({ entity, values }: QuotaRow): Quota {
  const nameOf = (type: string): string =>
    Object.entries(ENTITY_TYPES).find(([, wire]) => wire === type)?.[0] ?? type;
  return {
    entity: Object.fromEntries(
      entity.map(({ type, isDefault, name }) => [nameOf(type), isDefault ? null : name]),
    ),
    values: Object.fromEntries(values.map(({ key, value }) => [key, Number(value)])),
  };
}

function quotaRow(change: QuotaChange): QuotaRow {
  checkObject("INVALID_REQUEST", "a change of quotas", change);
  checkObject("INVALID_REQUEST", "the entity of a quota", change.entity);
  checkObject("INVALID_REQUEST", "the values of a quota", change.values);
  const entity = Object.entries(change.entity).filter(([, name]) => name !== undefined);
  const values = Object.entries(change.values).filter(([, value]) => value !== undefined);
  return {
    entity: entity.map(([field, name]: [string, unknown]) => {
      if (name !== null) checkString("INVALID_REQUEST", `${field} of a quota`, name);
      const type = Object.hasOwn(ENTITY_TYPES, field)
        ? ENTITY_TYPES[field as keyof typeof ENTITY_TYPES]
        : field;
      return { type, isDefault: name === null, name: name === null ? "" : String(name) };
    }),
    values: values.map(([key, value]: [string, unknown]) => {
      if (value !== null && typeof value !== "number") {
        throw wrongType("INVALID_REQUEST", `quota ${key}`, "a number or null", value);
      }
      return { key, value: value === null ? "" : String(value) };
    }),
  };
}
