// The operator's settings for all topics without their own: named as for a topic, or as Kafka names them for a broker.
// Leaves to others: settings with an option of the broker (broker/options.ts), and values with units (cli/).
import { RustLogError } from "../errors.js";
import type { LogSettings } from "../log/log-context.js";
import { shortened } from "./config-value.js";
import {
  isActive,
  TOPIC_CONFIG_NAMES,
  TOPIC_CONFIGS,
  type TopicConfigName,
  topicConfig,
} from "./topic-configs.js";
import {
  canonicalSettings,
  ownLimits,
  type OwnLimits,
  type TopicSettings,
} from "./topic-settings.js";

const MS_BY_NAME_END: readonly (readonly [end: string, ms: bigint])[] = [
  [".hours", 3_600_000n],
  [".minutes", 60_000n],
];

/**
 * The settings under their names for topics, in their canonical form. Throws INVALID_CONFIG for a value that no topic can
 * have, for a setting that this broker does not act on, and for one that is given under two names.
 */
export function topicDefaults(given: TopicSettings): TopicSettings {
  const settings: Record<string, string> = {};
  const givenAs = new Map<string, string>();
  for (const [name, value] of Object.entries(given)) {
    const topicName = activeConfig(name);
    const other = givenAs.get(topicName);
    if (other !== undefined) throw refused(`${other} and ${name} set the same default`);
    givenAs.set(topicName, name);
    settings[topicName] = inMilliseconds(name, value);
  }
  return canonicalSettings(settings);
}

/** What topics follow that have no settings of their own. `options` are the settings with an option of the broker. */
export function logDefaults(
  { segmentBytes, segmentMs, retentionBytes, retentionMs }: WithOptions,
  defaults: TopicSettings,
): LogSettings {
  const options = { segmentBytes, segmentMs, retentionBytes, retentionMs };
  return { ...TABLE_DEFAULTS, ...ownLimits(defaults), ...options };
}

/** The settings whose default is an option of the broker; the table has the defaults of all others. */
type WithOptions = Pick<
  LogSettings,
  "segmentBytes" | "segmentMs" | "retentionBytes" | "retentionMs"
>;

const TABLE_DEFAULTS = tableDefaults() as Omit<LogSettings, keyof WithOptions>;

function tableDefaults(): OwnLimits {
  const rows = TOPIC_CONFIG_NAMES.map((name) => [name, topicConfig(name)] as const);
  return ownLimits(
    Object.fromEntries(
      rows.flatMap(([name, row]) => (row?.default === undefined ? [] : [[name, row.default]])),
    ),
  );
}

/** The config of a topic that has this name, or whose default has it. */
function activeConfig(name: string): TopicConfigName {
  const found = TOPIC_CONFIG_NAMES.find(
    (it) => it === name || topicConfig(it)?.synonyms?.includes(name) === true,
  );
  if (found === undefined) throw refused(`Unknown topic config name: ${shortened(name)}`);
  if (!isActive(TOPIC_CONFIGS[found])) {
    throw refused(`${name} can't be set for all topics: this broker does not act on it`);
  }
  return found;
}

/** Kafka has older configs in larger units. */
function inMilliseconds(name: string, value: string): string {
  const [, ms] = MS_BY_NAME_END.find(([end]) => name.endsWith(end)) ?? [];
  if (ms === undefined || !/^\d{1,15}$/.test(value)) return value;
  return String(BigInt(value) * ms);
}

function refused(message: string): RustLogError {
  return new RustLogError("INVALID_CONFIG", message);
}
