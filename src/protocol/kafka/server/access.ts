// DescribeClientQuotas: there are no quotas.
import type { ServiceContext } from "../../../services/context.js";
import { isPermittedOnCluster } from "../../../services/permissions.js";
import { type DescribeClientQuotas, MATCH } from "../access.js";
import { CODE } from "../error-codes.js";
import type { RequestOf, ResponseOf } from "../schema.js";

type Filter = RequestOf<typeof DescribeClientQuotas>["components"];

export function describeClientQuotas(
  context: ServiceContext,
  { components }: RequestOf<typeof DescribeClientQuotas>,
): ResponseOf<typeof DescribeClientQuotas> {
  if (!isPermittedOnCluster(context, "DESCRIBE_CONFIGS")) {
    const errorCode = CODE.CLUSTER_AUTHORIZATION_FAILED;
    return { errorCode, errorMessage: "Cluster authorization failed.", entries: null };
  }
  const fault = filterFault(components);
  return fault === undefined
    ? { errorCode: CODE.NONE, errorMessage: "", entries: [] }
    : { ...fault, entries: null };
}

const ENTITY_TYPES: ReadonlySet<string> = new Set(["user", "client-id", "ip"]);

function filterFault(
  components: Filter,
): { readonly errorCode: number; readonly errorMessage: string } | undefined {
  const errorCode = CODE.INVALID_REQUEST;
  const seen = new Set<string>();
  for (const { entityType, matchType, match } of components) {
    if (entityType === "") return { errorCode, errorMessage: "Invalid empty entity type." };
    if (!ENTITY_TYPES.has(entityType)) {
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
