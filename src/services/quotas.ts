// The quotas: seeing them needs DESCRIBE_CONFIGS on the cluster, changing them ALTER_CONFIGS.
// Leaves to others: what they mean (security/quotas.ts), and holding clients to them (throttle.ts).
import { RustLogError } from "../errors.js";
import { QUOTAS_MAX } from "../limits.js";
import {
  describeEntity,
  ENTITY_TYPES,
  entityText,
  type Quota,
  type QuotaEntity,
  quotaFault,
  type QuotaValues,
} from "../security/quota.js";
import type { ServiceContext } from "./context.js";
import { loginFault } from "./login.js";
import { failureOf, type Outcome } from "./outcome.js";
import { requireOnCluster } from "./permissions.js";

/** New values for an entity. */
export interface QuotaChange {
  readonly entity: QuotaEntity;
  /** By the name of the quota; undefined removes it. */
  readonly values: ReadonlyMap<string, number | undefined>;
}

/** All quotas, in the order of their entities. Throws CLUSTER_AUTHORIZATION_FAILED. */
export function listQuotas(context: ServiceContext): Quota[] {
  requireOnCluster(context, "DESCRIBE_CONFIGS");
  return context.quotas
    .list()
    .map((quota) => ({ quota, text: sortText(quota.entity) }))
    .sort((a, b) => (a.text < b.text ? -1 : 1))
    .map(({ quota }) => quota);
}

/** Those of more than one type come after those of the first; defaults before names. */
function sortText(entity: QuotaEntity): string {
  return ENTITY_TYPES.map((type) => (type in entity ? `1${entity[type] ?? ""}` : "0")).join("\0");
}

/**
 * Changes quotas, as many as are valid, as one change; they apply at once. Resolves with the error of each, in order.
 * Rejects with CLUSTER_AUTHORIZATION_FAILED.
 */
export async function changeQuotas(
  context: ServiceContext,
  changes: readonly QuotaChange[],
  { validateOnly }: { readonly validateOnly: boolean },
): Promise<Outcome<undefined>[]> {
  requireChange(context);
  const outcomes = changes.map(({ entity, values }): Outcome<undefined> => {
    const set = [...values].filter((each): each is [string, number] => each[1] !== undefined);
    const fault = quotaFault(entity, set);
    return fault === undefined ? undefined : new RustLogError("INVALID_REQUEST", fault);
  });
  const valid = changes.filter((_, i) => outcomes[i] === undefined);
  if (validateOnly || valid.length === 0) return outcomes;
  try {
    await change(context, valid);
    return outcomes;
  } catch (error) {
    const failure = failureOf(error);
    return outcomes.map((outcome) => outcome ?? failure);
  }
}

/** Changes quotas, all or none. Rejects with INVALID_REQUEST and CLUSTER_AUTHORIZATION_FAILED. */
export async function changeAllQuotas(
  context: ServiceContext,
  changes: readonly QuotaChange[],
): Promise<void> {
  for (const { validateOnly } of [{ validateOnly: true }, { validateOnly: false }]) {
    const outcomes = await changeQuotas(context, changes, { validateOnly });
    const failure = outcomes.find((outcome) => outcome !== undefined);
    if (failure !== undefined) throw failure;
  }
}

/** Throws unless the caller may change quotas. Asked again when a change is made: an earlier one may take that away. */
function requireChange(context: ServiceContext): void {
  const fault = loginFault(context);
  if (fault !== undefined) throw fault;
  requireOnCluster(context, "ALTER_CONFIGS");
}

async function change(context: ServiceContext, changes: readonly QuotaChange[]): Promise<void> {
  const { quotas, audit, caller } = context;
  await quotas.change(() => {
    requireChange(context);
    const changed = new Map<string, Quota>();
    let size = quotas.size;
    for (const { entity, values } of changes) {
      const text = entityText(entity);
      const before = (changed.get(text) ?? quotas.find(entity))?.values ?? {};
      const after = merged(before, values);
      size += Math.sign(Object.keys(after).length) - Math.sign(Object.keys(before).length);
      changed.set(text, { entity, values: after });
    }
    if (size > QUOTAS_MAX) {
      const message = `there would be quotas for more than ${QUOTAS_MAX} entities; use defaults`;
      throw new RustLogError("INVALID_REQUEST", message);
    }
    return [...changed.values()];
  });
  for (const { entity, values } of changes) {
    const details = Object.fromEntries(
      [...values].map(([key, value]) => [key, value ?? "removed"]),
    );
    audit.changed(caller, "quota-altered", { entity: describeEntity(entity), ...details });
  }
}

function merged(before: QuotaValues, values: QuotaChange["values"]): QuotaValues {
  const after = new Map<string, number>(Object.entries(before));
  for (const [key, value] of values) {
    if (value === undefined) after.delete(key);
    else after.set(key, value);
  }
  return Object.fromEntries([...after].sort(([a], [b]) => (a < b ? -1 : 1)));
}
