// A quota: how much of something an entity may use. Entities and names are Kafka's.
// Leaves to others: which quota applies to a client (quotas.ts), and holding clients to it (services/throttle.ts).

import { isIP } from "node:net";

export type QuotaEntityType = "user" | "client-id" | "ip";

/** Whom a quota is for. Null stands for everyone of that type without a quota of their own. */
export type QuotaEntity = Readonly<Partial<Record<QuotaEntityType, string | null>>>;

export type QuotaKey =
  | "producer_byte_rate"
  | "consumer_byte_rate"
  | "request_percentage"
  | "controller_mutation_rate"
  | "connection_creation_rate";

export type QuotaValues = Readonly<Partial<Record<QuotaKey, number>>>;

export interface Quota {
  readonly entity: QuotaEntity;
  readonly values: QuotaValues;
}

export const ENTITY_TYPES: readonly QuotaEntityType[] = ["user", "client-id", "ip"];

interface QuotaKind {
  readonly isOfAddress: boolean;
  /** Whether Kafka takes only whole numbers. */
  readonly isWhole: boolean;
  readonly unit: string;
}

export const QUOTA_KEYS: Readonly<Record<QuotaKey, QuotaKind>> = {
  producer_byte_rate: { isOfAddress: false, isWhole: true, unit: "bytes/s" },
  consumer_byte_rate: { isOfAddress: false, isWhole: true, unit: "bytes/s" },
  request_percentage: { isOfAddress: false, isWhole: false, unit: "%" },
  controller_mutation_rate: { isOfAddress: false, isWhole: false, unit: "partitions/s" },
  connection_creation_rate: { isOfAddress: true, isWhole: true, unit: "connections/s" },
};

export function isQuotaKey(name: string): name is QuotaKey {
  return Object.hasOwn(QUOTA_KEYS, name);
}

export function isEntityType(name: string): name is QuotaEntityType {
  return (ENTITY_TYPES as readonly string[]).includes(name);
}

/** The same text for the same entity. */
export function entityText(entity: QuotaEntity): string {
  return JSON.stringify(ENTITY_TYPES.map((type) => (type in entity ? [entity[type]] : [])));
}

/** For people: `user 'ann', client-id 'meter'`, or `default user`. */
export function describeEntity(entity: QuotaEntity): string {
  return ENTITY_TYPES.filter((type) => type in entity)
    .map((type) => (entity[type] === null ? `default ${type}` : `${type} '${entity[type]}'`))
    .join(", ");
}

/** Longest name of an entity. */
const ENTITY_NAME_LENGTH_MAX = 1_000;

/** What is wrong with a quota, in Kafka's words; undefined if nothing is. */
export function quotaFault(
  entity: QuotaEntity,
  values: Iterable<readonly [key: string, value: number]>,
): string | undefined {
  const fault = entityFault(entity);
  if (fault !== undefined) return fault;
  for (const [key, value] of values) {
    if (!isQuotaKey(key) || QUOTA_KEYS[key].isOfAddress !== "ip" in entity) {
      return `Invalid configuration key ${key.slice(0, 100)}`;
    }
    if (!Number.isFinite(value)) return `Quota ${key} must be a finite number`;
    if (value <= 0) return `Quota ${key} must be greater than 0`;
    if (!QUOTA_KEYS[key].isWhole) continue;
    if (value > Number.MAX_SAFE_INTEGER) {
      return `Proposed value for ${key} is too large for a LONG.`;
    }
    if (!Number.isInteger(value)) return `${key} cannot be a fractional value.`;
  }
  return undefined;
}

function entityFault(entity: QuotaEntity): string | undefined {
  const types = ENTITY_TYPES.filter((type) => type in entity);
  if (types.length === 0) return "Invalid empty client quota entity";
  for (const type of types) {
    const name = entity[type];
    if (name === "") return `Empty ${type} not supported`;
    if (typeof name === "string" && name.length > ENTITY_NAME_LENGTH_MAX) {
      return `the name of the ${type} has more than ${ENTITY_NAME_LENGTH_MAX} characters`;
    }
  }
  const { ip } = entity;
  if (ip === undefined) return undefined;
  if (types.length > 1) {
    return "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId";
  }
  return ip === null || isIP(ip) !== 0
    ? undefined
    : `${ip.slice(0, 100)} is not a valid IP or resolvable host.`;
}

/** Told of each wait. */
export interface ThrottleObserver {
  throttled(user: string, ms: number): void;
}
