// DescribeQuotas and AlterQuotas: how much users, clients and addresses may use.
// Leaves to others: what it means (security/quotas.ts).
import { QUOTAS_MAX } from "../../limits.js";
import { api, array, type RequestOf } from "./schema.js";

/** Whom a quota is for: a name for each type. */
const ENTITY = array({
  type: "string",
  /** Whether it is for everyone of this type without a quota of their own; then the name is empty. */
  isDefault: "bool",
  name: "string",
});

/** A quota and its number, as JSON writes one: the protocol has no fractions. */
const VALUES = array({ key: "string", value: "string" });

const QUOTA = { entity: ENTITY, values: VALUES } as const;

export const DescribeQuotas = api("DescribeQuotas", {
  request: {
    /** Number of entities to skip: those of the previous pages. */
    skip: "u32",
    /** Maximum number of entities; 0 for as many as fit a page. */
    limit: "u32",
  },
  response: { quotas: array(QUOTA), more: "bool" },
});

/** Sets and removes quotas, all or none. An empty value removes one. */
export const AlterQuotas = api("AlterQuotas", {
  request: { quotas: array(QUOTA, QUOTAS_MAX) },
  response: {},
});

export type DescribeQuotasRequest = RequestOf<typeof DescribeQuotas>;
export type AlterQuotasRequest = RequestOf<typeof AlterQuotas>;
/** The quotas of an entity, with names that need not be valid. */
export type QuotaRow = AlterQuotasRequest["quotas"][number];
