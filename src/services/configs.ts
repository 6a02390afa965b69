// Configs of topics and of the broker, as Kafka's tools see and change them: each with its source, its synonyms and what
// it means here. Leaves to others: what a topic may be set to (topics/topic-configs.ts), and storing it.
import { RustLogError } from "../errors.js";
import { type ConfigType, elementsOf, shortened } from "../topics/config-value.js";
import { TOPIC_CONFIG_NAMES, type TopicConfig, topicConfig } from "../topics/topic-configs.js";
import type { Topic } from "../topics/topic.js";
import { refuseDamaged } from "../topics/topic-change.js";
import { checkTopicName, type TopicSettings } from "../topics/topic-settings.js";
import { ZERO_UUID } from "../record/bytes.js";
import type { BrokerConfig, ServiceContext } from "./context.js";
import {
  refuseInternalTopic,
  requireOnCluster,
  requireOnGroup,
  requireOnTopic,
} from "./permissions.js";
import type { TopicDescription } from "./topics.js";

/** Who set a value: the topic's owner, the broker's operator, or nobody. */
export type ConfigSource = "topic" | "broker" | "default";

/** A value that would count if those before it were not there. */
export interface ConfigSynonym {
  readonly name: string;
  readonly value: string;
  readonly source: ConfigSource;
}

export interface DescribedConfig {
  readonly name: string;
  /** Null if it is not set, which only a config of the broker may be. */
  readonly value: string | null;
  readonly source: ConfigSource;
  /** Whether it can't be changed while the broker runs. */
  readonly isReadOnly: boolean;
  readonly type: ConfigType;
  readonly synonyms: readonly ConfigSynonym[];
  readonly documentation: string;
}

/** The effective configs of a topic. No `names` means all; names that are no config are left out. */
export function describeTopicConfigs(
  context: ServiceContext,
  topic: string,
  names: readonly string[] = [],
): DescribedConfig[] {
  checkTopicName(topic);
  requireOnTopic(context, "DESCRIBE_CONFIGS", topic);
  return describeSettings(context, existing(context, topic).settings, names);
}

/** The effective configs that have a value, of a described topic; none if its own settings are unknown. */
export function effectiveSettings(
  context: ServiceContext,
  { topicId, settings }: TopicDescription,
): { readonly name: string; readonly value: string; readonly source: ConfigSource }[] {
  if (topicId === ZERO_UUID) return [];
  return describeSettings(context, settings).map(({ name, value, source }) => ({
    ...{ name, source },
    value: value ?? "",
  }));
}

/** The same of a topic that has, or would have, these settings. */
export function describeSettings(
  context: ServiceContext,
  settings: TopicSettings,
  names: readonly string[] = [],
): DescribedConfig[] {
  const isAsked = asked(names);
  return unsetConfigs(context)
    .filter(({ name }) => isAsked(name))
    .map((unset) => {
      const { name } = unset;
      const value = settings[name];
      if (value === undefined) return unset;
      const synonyms = [{ name, value, source: "topic" } as const, ...unset.synonyms];
      return { ...unset, value, source: "topic", synonyms };
    });
}

/** The configs of a topic without settings, by the broker's configs. All topics share them: there may be many. */
const UNSET = new WeakMap<ServiceContext["brokerConfigs"], readonly DescribedConfig[]>();

function unsetConfigs(context: ServiceContext): readonly DescribedConfig[] {
  const known = UNSET.get(context.brokerConfigs);
  if (known !== undefined) return known;
  const configs = TOPIC_CONFIG_NAMES.map((name): DescribedConfig => {
    const config: TopicConfig = topicConfig(name)!;
    const synonyms = defaultsOf(context, config);
    return {
      ...{ name, type: config.type, documentation: config.documentation, isReadOnly: false },
      value: synonyms[0]?.value ?? config.default ?? "",
      source: synonyms[0]?.source ?? "default",
      synonyms,
    };
  });
  UNSET.set(context.brokerConfigs, configs);
  return configs;
}

/**
 * Throws GROUP_AUTHORIZATION_FAILED or CLUSTER_AUTHORIZATION_FAILED unless the caller may see, or alter, the configs of a
 * group, or of the broker and what else belongs to the cluster.
 */
export function requireOnConfigs(
  context: ServiceContext,
  operation: "DESCRIBE_CONFIGS" | "ALTER_CONFIGS",
  group?: string,
): void {
  if (group === undefined) requireOnCluster(context, operation);
  else requireOnGroup(context, operation, group);
}

/**
 * The configs of the broker, by name, with those that are there only as defaults of topics. `advertised` is the listener
 * that this client is told to use.
 */
export function describeBrokerConfigs(
  context: ServiceContext,
  names: readonly string[],
  advertised: string,
): DescribedConfig[] {
  requireOnCluster(context, "DESCRIBE_CONFIGS");
  const isAsked = asked(names);
  const listener: BrokerConfig = {
    ...{ name: "advertised.listeners", type: "list", value: advertised, defaultValue: null },
    documentation: "Where clients connect: --advertise, or the address that this client used.",
  };
  return [...context.brokerConfigs.values(), listener]
    .filter(({ name }) => isAsked(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((config) => ({
      ...{ name: config.name, type: config.type, documentation: config.documentation },
      ...{ value: config.value, source: sourceOf(config), isReadOnly: true },
      synonyms: synonymsOf(config),
    }));
}

/** One change of a topic's own settings. */
export interface ConfigChange {
  readonly name: string;
  /** `append` and `subtract` change the elements of a list. */
  readonly operation: "set" | "delete" | "append" | "subtract";
  /** Null only for `delete`. */
  readonly value: string | null;
}

/** What to do with a topic's settings. With `validateOnly` the outcome is the same, and nothing changes. */
interface AlterOptions {
  readonly validateOnly: boolean;
}

/** Changes some of a topic's own settings; all or none. Resolves once the change would survive a crash. */
export async function changeTopicConfigs(
  context: ServiceContext,
  topic: string,
  changes: readonly ConfigChange[],
  options: AlterOptions,
): Promise<void> {
  checkChanges(changes);
  await alter(context, topic, options, (own) => changed(context, own, changes));
}

/**
 * The topic, and the settings of its own that it would have after these changes. Throws what `changeTopicConfigs` rejects
 * with before it changes anything.
 */
export function checkTopicChanges(
  context: ServiceContext,
  name: string,
  changes: readonly ConfigChange[],
): { readonly topic: Topic; readonly settings: TopicSettings } {
  checkTopicName(name);
  requireOnTopic(context, "ALTER_CONFIGS", name);
  refuseInternalTopic(name, "altered");
  const topic = existing(context, name);
  checkChanges(changes);
  return {
    topic,
    settings: context.registry.checkSettings(changed(context, topic.settings, changes)),
  };
}

/** Replaces all of a topic's own settings. Resolves once the change would survive a crash. */
export async function replaceTopicConfigs(
  context: ServiceContext,
  topic: string,
  settings: readonly { readonly name: string; readonly value: string | null }[],
  options: AlterOptions,
): Promise<void> {
  checkNames(
    settings.map(({ name }) => name),
    settings,
  );
  const replacement = Object.fromEntries(settings.map(({ name, value }) => [name, value ?? ""]));
  await alter(context, topic, options, () => replacement);
}

/**
 * Throws INVALID_REQUEST if there are any: no option of the broker can be changed while it runs. Throws
 * CLUSTER_AUTHORIZATION_FAILED first.
 */
export function refuseBrokerConfigs(context: ServiceContext, names: readonly string[]): void {
  requireOnCluster(context, "ALTER_CONFIGS");
  if (names.length === 0) return;
  const list = names.map(shortened).join(", ");
  const message = `Cannot update these configs dynamically: [${shortened(list)}]`;
  throw new RustLogError("INVALID_REQUEST", message);
}

async function alter(
  context: ServiceContext,
  name: string,
  { validateOnly }: AlterOptions,
  change: (own: TopicSettings) => TopicSettings,
): Promise<void> {
  if (name === "") {
    throw new RustLogError("INVALID_REQUEST", "Default topic resources are not allowed");
  }
  checkTopicName(name);
  requireOnTopic(context, "ALTER_CONFIGS", name);
  refuseInternalTopic(name, "altered");
  const { registry, audit, caller } = context;
  const { settings } = existing(context, name);
  if (validateOnly) {
    registry.checkSettings(change(settings));
    return;
  }
  await registry.alterSettings(name, change);
  const before = new Map(Object.entries(settings));
  const after = new Map(Object.entries(registry.find(name)?.settings ?? {}));
  const different = [...new Set([...before.keys(), ...after.keys()])]
    .filter((key) => before.get(key) !== after.get(key))
    .map((key) => `${key}=${after.get(key) ?? "(default)"}`);
  audit.changed(caller, "topic-altered", { topic: name, settings: different.join(" ") });
}

/** The topic. Throws UNKNOWN_TOPIC_OR_PARTITION, or STORAGE_ERROR if its settings are unknown. */
function existing({ registry }: ServiceContext, name: string): Topic {
  const topic = registry.find(name);
  if (topic === undefined) {
    const message = `The topic '${name}' does not exist.`;
    throw new RustLogError("UNKNOWN_TOPIC_OR_PARTITION", message);
  }
  refuseDamaged(topic);
  return topic;
}

/** Throws INVALID_REQUEST for a repeated name, and for a value that is missing. */
function checkChanges(changes: readonly ConfigChange[]): void {
  const given = changes.filter(({ operation }) => operation !== "delete");
  checkNames(
    changes.map(({ name }) => name),
    given,
  );
}

/** Throws INVALID_REQUEST for a repeated name, and for a value that is missing in `given`. */
function checkNames(
  names: readonly string[],
  given: readonly { readonly name: string; readonly value: string | null }[],
): void {
  if (new Set(names).size < names.length) {
    throw new RustLogError("INVALID_REQUEST", "Error due to duplicate config keys");
  }
  const missing = given.filter(({ value }) => value === null).map(({ name }) => name);
  if (missing.length === 0) return;
  const message = `Null value not supported for : ${shortened(missing.join(","))}`;
  throw new RustLogError("INVALID_REQUEST", message);
}

function changed(
  context: ServiceContext,
  own: TopicSettings,
  changes: readonly ConfigChange[],
): TopicSettings {
  const settings: Record<string, string> = { ...own };
  for (const { name, operation, value } of changes) {
    if (operation === "delete") delete settings[name];
    else if (operation === "set") settings[name] = value ?? "";
    else {
      const config = topicConfig(name);
      if (config?.type !== "list") {
        const what = operation.toUpperCase();
        const message = `Can't ${what} to key ${shortened(name)} because its type is not LIST.`;
        throw new RustLogError("INVALID_CONFIG", message);
      }
      const current = elementsOf(own[name] ?? defaultsOf(context, config)[0]?.value ?? "");
      const elements = elementsOf(value ?? "");
      settings[name] = (
        operation === "append"
          ? [...current, ...elements]
          : current.filter((element) => !elements.includes(element))
      ).join(",");
    }
  }
  return settings;
}

function asked(names: readonly string[]): (name: string) => boolean {
  const wanted = new Set(names);
  return (name) => wanted.size === 0 || wanted.has(name);
}

/** What a topic has without a value of its own, the first first. */
function defaultsOf(
  { brokerConfigs }: ServiceContext,
  { synonyms = [] }: TopicConfig,
): ConfigSynonym[] {
  return synonyms.flatMap((name) => {
    const config = brokerConfigs.get(name);
    return config === undefined ? [] : synonymsOf(config);
  });
}

function synonymsOf(config: BrokerConfig): ConfigSynonym[] {
  const { name, value, defaultValue } = config;
  const source = sourceOf(config);
  const synonyms: ConfigSynonym[] = [];
  if (value !== null && source === "broker") synonyms.push({ name, value, source });
  if (defaultValue !== null) synonyms.push({ name, value: defaultValue, source: "default" });
  return synonyms;
}

function sourceOf({ value, defaultValue }: BrokerConfig): ConfigSource {
  return value === defaultValue ? "default" : "broker";
}
