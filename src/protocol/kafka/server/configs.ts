// DescribeConfigs, AlterConfigs and IncrementalAlterConfigs.
// Leaves to others: the configs (services/configs.ts).
import { RustLogError } from "../../../errors.js";
import { listenerText } from "../../../net/address.js";
import * as services from "../../../services/configs.js";
import type { ServiceContext } from "../../../services/context.js";
import { requireOnGroup } from "../../../services/permissions.js";
import {
  type AlterConfigs,
  CONFIG_OPERATION,
  CONFIG_SOURCE,
  CONFIG_TYPE,
  type DescribeConfigs,
  type IncrementalAlterConfigs,
  RESOURCE,
} from "../configs.js";
import { CODE, kafkaCode } from "../error-codes.js";
import type { RequestOf, ResponseOf } from "../schema.js";
import type { Call } from "./call.js";
import { NODE_ID } from "./cluster-of-one.js";
import { configRow, SharedRows } from "./config-rows.js";
import { Portions } from "./portions.js";

type DescribeRequest = RequestOf<typeof DescribeConfigs>;
type Described = ResponseOf<typeof DescribeConfigs>["results"][number];
type Altered = ResponseOf<typeof AlterConfigs>["responses"][number];

/** What a resource costs besides its configs, in described configs. */
const RESOURCE_COST = 10;

/** Memory of a described config, and of a reference to one that topics share, approximately. */
const CONFIG_BYTES = 600;
const REFERENCE_BYTES = 8;

export async function describeConfigs(
  context: ServiceContext,
  request: DescribeRequest,
  call: Call,
): Promise<ResponseOf<typeof DescribeConfigs>> {
  const results: Described[] = [];
  const asked = new Set<string>();
  const portions = new Portions(call.connection.turns);
  const rows = rowsFor(request);
  for (const resource of request.resources) {
    const rowsBefore = rows.count;
    // Only once, because a small request could ask for many configs many times.
    const isRepeated = asked.has(keyOf(resource));
    asked.add(keyOf(resource));
    const result = describe(resource, () => {
      if (isRepeated) throw repeated();
      return configsOf(context, resource, call).map((config) => rows.of(config));
    });
    results.push(result);
    const newRows = rows.count - rowsBefore;
    call.charge(newRows * CONFIG_BYTES + result.configs.length * REFERENCE_BYTES);
    await portions.next(result.configs.length + RESOURCE_COST);
  }
  return { results };
}

type Row = Described["configs"][number];

function rowsFor({ includeDocumentation, includeSynonyms }: DescribeRequest): SharedRows<Row> {
  return new SharedRows((config) => ({
    ...configRow(config),
    configType: CONFIG_TYPE[config.type],
    documentation: includeDocumentation ? config.documentation : null,
    synonyms: includeSynonyms
      ? config.synonyms.map((it) => ({ ...it, source: CONFIG_SOURCE[it.source] }))
      : [],
  }));
}

function describe(
  { resourceType, resourceName }: DescribeRequest["resources"][number],
  find: () => Row[],
): Described {
  const place = { resourceType, resourceName };
  try {
    return { ...place, errorCode: CODE.NONE, errorMessage: "", configs: find() };
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    const errorMessage = error.code === "UNKNOWN_TOPIC_OR_PARTITION" ? "" : error.message;
    return { ...place, errorCode: kafkaCode(error), errorMessage, configs: [] };
  }
}

function configsOf(
  context: ServiceContext,
  { resourceType, resourceName: name, configurationKeys }: DescribeRequest["resources"][number],
  { connection }: Call,
): services.DescribedConfig[] {
  const names = configurationKeys ?? [];
  switch (resourceType) {
    case RESOURCE.topic:
      return services.describeTopicConfigs(context, name, names);
    case RESOURCE.broker: {
      services.requireOnConfigs(context, "DESCRIBE_CONFIGS");
      // Those of all brokers, which can only be set while they run: there are none.
      if (name === "") return [];
      checkDescribedBroker(name, `expected ${NODE_ID} or empty string, but received`);
      const { host, port } = connection.advertised;
      const listener = listenerText(connection.isTls, host, port);
      return services.describeBrokerConfigs(context, names, listener);
    }
    // What follows has no configs yet.
    case RESOURCE.logger:
      services.requireOnConfigs(context, "DESCRIBE_CONFIGS");
      if (name === "") throw invalid("Broker id must not be empty");
      checkDescribedBroker(name, `expected ${NODE_ID} but received`);
      return [];
    case RESOURCE.clientMetrics:
      services.requireOnConfigs(context, "DESCRIBE_CONFIGS");
      if (name === "") throw invalid("Client metrics subscription name must not be empty");
      return [];
    case RESOURCE.group:
      services.requireOnConfigs(context, "DESCRIBE_CONFIGS", name);
      if (name === "") throw invalid("Group name must not be empty");
      requireOnGroup(context, "DESCRIBE_CONFIGS", name);
      return [];
    default:
      throw invalid(`Unknown resource type ${resourceType}`);
  }
}

function checkDescribedBroker(name: string, expected: string): void {
  if (!isInteger(name)) {
    throw invalid(`Broker id must be an integer, but it is: ${shown(name)}`);
  }
  if (Number(name) !== NODE_ID) throw invalid(`Unexpected broker id, ${expected} ${shown(name)}`);
}

interface ResourceName {
  readonly resourceType: number;
  readonly resourceName: string;
}

interface Resource extends ResourceName {
  readonly configs: readonly { readonly name: string }[];
}

/** Replaces the configs of each resource. */
export async function alterConfigs(
  context: ServiceContext,
  { resources, validateOnly }: RequestOf<typeof AlterConfigs>,
  call: Call,
): Promise<ResponseOf<typeof AlterConfigs>> {
  const responses = await eachOnce(call, resources, (resource) => {
    if (resource.resourceType === RESOURCE.logger) throw unknownType(resource);
    if (resource.resourceType !== RESOURCE.topic) return refuseOther(context, resource);
    const { resourceName: topic, configs } = resource;
    return services.replaceTopicConfigs(context, topic, configs, { validateOnly });
  });
  return { responses };
}

/** Changes some configs of each resource. */
export async function incrementalAlterConfigs(
  context: ServiceContext,
  { resources, validateOnly }: RequestOf<typeof IncrementalAlterConfigs>,
  call: Call,
): Promise<ResponseOf<typeof IncrementalAlterConfigs>> {
  const responses = await eachOnce(call, resources, (resource) => {
    if (resource.resourceType !== RESOURCE.topic) return refuseOther(context, resource);
    const { resourceName: topic, configs } = resource;
    const changes = configs.map(({ name, configOperation, value }) => ({
      ...{ name, value, operation: operationOf(configOperation) },
    }));
    return services.changeTopicConfigs(context, topic, changes, { validateOnly });
  });
  return { responses };
}

/** Alters one resource after the other; a failed one stops no other. */
async function eachOnce<R extends Resource>(
  { connection }: Call,
  resources: readonly R[],
  alter: (resource: R) => Promise<void> | void,
): Promise<Altered[]> {
  const counts = new Map<string, number>();
  for (const each of resources) counts.set(keyOf(each), (counts.get(keyOf(each)) ?? 0) + 1);
  const portions = new Portions(connection.turns);
  const responses: Altered[] = [];
  for (const resource of resources) {
    const { resourceType, resourceName } = resource;
    let error: RustLogError | undefined;
    try {
      if (counts.get(keyOf(resource)) !== 1) {
        throw repeated();
      }
      await alter(resource);
    } catch (thrown) {
      if (!(thrown instanceof RustLogError)) throw thrown;
      error = thrown;
    }
    const errorCode = error === undefined ? CODE.NONE : kafkaCode(error);
    responses.push({ errorCode, errorMessage: error?.message ?? null, resourceType, resourceName });
    await portions.next(RESOURCE_COST + resource.configs.length);
  }
  return responses;
}

function keyOf({ resourceType, resourceName }: ResourceName): string {
  return `${resourceType}/${resourceName}`;
}

function repeated(): RustLogError {
  return invalid("Each resource must appear at most once.");
}

/** Throws for a resource other than a topic, unless there is nothing to alter. */
function refuseOther(context: ServiceContext, resource: Resource): void {
  const { resourceType, resourceName: name, configs } = resource;
  const first = configs[0]?.name;
  switch (resourceType) {
    case RESOURCE.broker:
      services.requireOnConfigs(context, "ALTER_CONFIGS");
      if (name !== "" && !isInteger(name)) {
        throw invalid(`Node id must be an integer, but it is: ${shown(name)}`);
      }
      if (name !== "" && Number(name) !== NODE_ID) {
        throw invalid(`Unexpected broker id, expected ${NODE_ID}, but received ${shown(name)}`);
      }
      services.refuseBrokerConfigs(
        context,
        configs.map((config) => config.name),
      );
      return;
    case RESOURCE.logger:
      services.requireOnConfigs(context, "ALTER_CONFIGS");
      if (first === undefined) return;
      throw new RustLogError("INVALID_CONFIG", `Logger ${shown(first)} does not exist!`);
    case RESOURCE.clientMetrics:
    case RESOURCE.group: {
      const group = resourceType === RESOURCE.group ? name : undefined;
      services.requireOnConfigs(context, "ALTER_CONFIGS", group);
      if (first === undefined) return;
      const kind = resourceType === RESOURCE.group ? "group" : "client metrics";
      throw new RustLogError("INVALID_CONFIG", `Unknown ${kind} config name: ${shown(first)}`);
    }
    default:
      throw unknownType(resource);
  }
}

function operationOf(operation: number): services.ConfigChange["operation"] {
  switch (operation) {
    case CONFIG_OPERATION.set:
      return "set";
    case CONFIG_OPERATION.delete:
      return "delete";
    case CONFIG_OPERATION.append:
      return "append";
    case CONFIG_OPERATION.subtract:
      return "subtract";
    default:
      throw invalid(`Unknown config operation ${operation}`);
  }
}

function unknownType({ resourceType }: Resource): RustLogError {
  return invalid(`Unknown resource type ${resourceType}`);
}

function invalid(message: string): RustLogError {
  return new RustLogError("INVALID_REQUEST", message);
}

function isInteger(text: string): boolean {
  return /^[+-]?\d{1,10}$/.test(text);
}

/** A client's text for a message. */
function shown(text: string): string {
  return text.slice(0, 100);
}
