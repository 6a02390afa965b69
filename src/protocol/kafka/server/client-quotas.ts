// DescribeClientQuotas and AlterClientQuotas, with the texts of Kafka, which tools show.
// Leaves to others: the quotas (services/quotas.ts).
import { RustLogError } from "../../../errors.js";
import { isEntityType, type Quota, type QuotaEntity } from "../../../security/quota.js";
import type { ServiceContext } from "../../../services/context.js";
import type { Outcome } from "../../../services/outcome.js";
import { changeQuotas, listQuotas, type QuotaChange } from "../../../services/quotas.js";
import { type AlterClientQuotas, type DescribeClientQuotas, MATCH } from "../access.js";
import { CODE } from "../error-codes.js";
import type { RequestOf, ResponseOf } from "../schema.js";
import { type Fault, faultOf } from "./topic-faults.js";

type Filter = RequestOf<typeof DescribeClientQuotas>["components"];
type Entry = RequestOf<typeof AlterClientQuotas>["entries"][number];
type Altered = ResponseOf<typeof AlterClientQuotas>["entries"][number];

export function describeClientQuotas(
  context: ServiceContext,
  { components, strict }: RequestOf<typeof DescribeClientQuotas>,
): ResponseOf<typeof DescribeClientQuotas> {
  try {
    const quotas = listQuotas(context);
    const fault = filterFault(components);
    if (fault !== undefined) return { ...fault, entries: null };
    const entries = quotas.filter(({ entity }) => isMeant(entity, components, strict)).map(entryOf);
    return { errorCode: CODE.NONE, errorMessage: "", entries };
  } catch (error) {
    if (error instanceof RustLogError) return { ...faultOf(error), entries: null };
    throw error;
  }
}

function isMeant(entity: QuotaEntity, components: Filter, strict: boolean): boolean {
  if (strict && Object.keys(entity).length > components.length) return false;
  return components.every(({ entityType, matchType, match }) => {
    const name = isEntityType(entityType) ? entity[entityType] : undefined;
    if (name === undefined) return false;
    if (matchType === MATCH.exact) return name === match;
    return matchType === MATCH.any || name === null;
  });
}

function entryOf({ entity, values }: Quota) {
  return {
    entity: entityRows(entity),
    values: Object.entries(values).map(([key, value]) => ({ key, value })),
  };
}

function entityRows(entity: QuotaEntity) {
  return rowsOf(new Map(Object.entries(entity)));
}

function filterFault(components: Filter): Fault | undefined {
  const errorCode = CODE.INVALID_REQUEST;
  const seen = new Set<string>();
  for (const { entityType, matchType, match } of components) {
    if (entityType === "") return { errorCode, errorMessage: "Invalid empty entity type." };
    if (!isEntityType(entityType)) {
      const errorMessage = `Unsupported entity type ${entityType.slice(0, 100)}`;
      return { errorCode: CODE.UNSUPPORTED_VERSION, errorMessage };
    }
    if (seen.has(entityType)) {
      const errorMessage = `Entity type ${entityType} cannot appear more than once in the filter.`;
      return { errorCode, errorMessage };
    }
    seen.add(entityType);
    const errorMessage = matchFault(matchType, match);
    if (errorMessage !== undefined) return { errorCode, errorMessage };
  }
  if (!seen.has("ip") || seen.size === 1) return undefined;
  const errorMessage =
    "Invalid entity filter component combination. " +
    "IP filter component should not be used with user or clientId filter component.";
  return { errorCode, errorMessage };
}

function matchFault(type: number, match: string | null): string | undefined {
  switch (type) {
    case MATCH.exact:
      return match === null
        ? "Request specified MATCH_TYPE_EXACT, but set match string to null."
        : undefined;
    case MATCH.default:
      return match === null
        ? undefined
        : "Request specified MATCH_TYPE_DEFAULT, but also specified a match string.";
    case MATCH.any:
      return match === null
        ? undefined
        : "Request specified MATCH_TYPE_SPECIFIED, but also specified a match string.";
    default:
      return `Unknown match type ${type}`;
  }
}

/** One entry of a request; the last of several names of a type counts, as in Kafka. */
interface Asked {
  readonly names: ReadonlyMap<string, string | null>;
  readonly text: string;
  readonly ops: Entry["ops"];
}

export async function alterClientQuotas(
  context: ServiceContext,
  { entries, validateOnly }: RequestOf<typeof AlterClientQuotas>,
): Promise<ResponseOf<typeof AlterClientQuotas>> {
  const asked = entries.map(askedOf);
  const counts = new Map<string, number>();
  for (const { text } of asked) counts.set(text, (counts.get(text) ?? 0) + 1);
  // A repeated entity is answered once.
  const unique = [...new Map(asked.map((each) => [each.text, each])).values()];
  const first = new Map<string, Asked>();
  for (const each of asked) if (!first.has(each.text)) first.set(each.text, each);
  const changes = unique.map(({ text }) => changeOf(first.get(text)!));
  try {
    const valid = changes.filter((each): each is QuotaChange => !("errorCode" in each));
    const outcomes = (await changeQuotas(context, valid, { validateOnly })).values();
    const results = changes.map((each, i): Altered => {
      const { names, text } = unique[i]!;
      const fault = "errorCode" in each ? each : faultOfOutcome(outcomes.next().value);
      const isRepeated = fault.errorCode === CODE.NONE && counts.get(text)! > 1;
      return { ...(isRepeated ? duplicate(names) : fault), entity: rowsOf(names) };
    });
    return { entries: results };
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    const fault = faultOf(error);
    return { entries: unique.map(({ names }) => ({ ...fault, entity: rowsOf(names) })) };
  }
}

function askedOf({ entity, ops }: Entry): Asked {
  const names = new Map(entity.map(({ entityType, entityName }) => [entityType, entityName]));
  return { names, ops, text: JSON.stringify(rowsOf(names)) };
}

function rowsOf(names: ReadonlyMap<string, string | null>) {
  return [...names]
    .map(([entityType, entityName]) => ({ entityType, entityName }))
    .sort((a, b) => placeOf(a.entityType) - placeOf(b.entityType));
}

/** Kafka's order, that of a hash table. */
function placeOf(entityType: string): number {
  return ["client-id", "user", "ip"].indexOf(entityType);
}

function changeOf({ names, ops }: Asked): QuotaChange | Fault {
  for (const type of names.keys()) {
    if (isEntityType(type)) continue;
    const errorMessage = `Unhandled client quota entity type: ${type.slice(0, 100)}`;
    return { errorCode: CODE.INVALID_REQUEST, errorMessage };
  }
  const values = new Map(ops.map(({ key, value, remove }) => [key, remove ? undefined : value]));
  if (values.size < ops.length) return duplicate(names);
  return { entity: Object.fromEntries(names), values };
}

function faultOfOutcome(outcome: Outcome<undefined>): Fault {
  return outcome === undefined ? { errorCode: CODE.NONE, errorMessage: null } : faultOf(outcome);
}

function duplicate(names: ReadonlyMap<string, string | null>): Fault {
  const entity = rowsOf(names).map(({ entityType, entityName }) => `${entityType}=${entityName}`);
  const errorMessage = `Ignoring duplicate entity ClientQuotaEntity(entries={${entity.join(", ").slice(0, 200)}})`;
  return { errorCode: CODE.INVALID_REQUEST, errorMessage };
}
