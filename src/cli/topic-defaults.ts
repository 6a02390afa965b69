// Flags of `rustlog broker` for the settings of topics that do not set them: one for each, and --topic-config for any.
// Leaves to others: the settings (topics/topic-configs.ts), and the flags that are older than these (broker.ts).
import { type CommandUnknownOpts, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import { flagOf } from "../broker/broker-configs.js";
import { RustLogError } from "../errors.js";
import { canonicalValue, LONG_MAX } from "../topics/config-value.js";
import {
  isActive,
  TOPIC_CONFIG_NAMES,
  TOPIC_CONFIGS,
  type TopicConfig,
} from "../topics/topic-configs.js";
import { usageError } from "./command.js";
import { formatDuration } from "./duration.js";
import { inUnits } from "../topics/setting-units.js";
import { settingList } from "./setting-list.js";

type Settings = ReturnType<typeof settingList>;
type Defaults = Readonly<Record<string, string>>;

/** Settings with an older flag, and its name in the options of a broker. */
const OLDER: Readonly<Record<string, string>> = {
  "segment.bytes": "segmentBytes",
  "segment.ms": "segmentMs",
  "retention.bytes": "retentionBytes",
  "retention.ms": "retentionMs",
  "max.message.bytes": "maxBatchBytes",
};

const PLACEHOLDERS: Partial<Record<TopicConfig["type"], string>> = {
  string: "<type>",
  list: "<policy>",
  double: "<ratio>",
};

/** Adds the flags. */
export function addTopicDefaults(command: CommandUnknownOpts): void {
  for (const [name, config] of settingsWithFlag()) {
    const flag = flagOf(name);
    const defaultValue = defaultOf(name, config);
    const placeholder = PLACEHOLDERS[config.type] ?? (name.endsWith(".ms") ? "<duration>" : "<n>");
    command.addOption(
      new Option(`--${flag} ${placeholder}`, summaryOf(config, defaultValue))
        .default(undefined, defaultValue)
        .env(`RUSTLOG_${flag.toUpperCase().replaceAll("-", "_")}`)
        .argParser((text) => parsed(name, config, text)),
    );
  }
  const about =
    "any setting of topics that do not set it, by Kafka's name; may be repeated, or have several with spaces between them";
  command.addOption(
    new Option("--topic-config <name=value>", about)
      .env("RUSTLOG_TOPIC_CONFIG")
      .default([] as Settings, "none")
      .argParser(parseSettings),
  );
}

/** The options of a broker with what these flags set. Exits with a usage error for a default that is set twice. */
export function withTopicDefaults<Options extends object>(
  command: CommandUnknownOpts,
  options: Options,
): Omit<Options, "topicConfig"> & { readonly topicDefaults: Defaults } {
  const given: Readonly<Record<string, unknown>> = command.opts();
  const topicDefaults: Record<string, string> = {};
  const add = (name: string, value: string): void => {
    if (Object.hasOwn(topicDefaults, name)) usageError(command, `${name} is set twice`);
    topicDefaults[name] = value;
  };
  const others = { ...options } as Record<string, unknown>;
  for (const [name] of settingsWithFlag()) {
    const attribute = new Option(`--${flagOf(name)}`).attributeName();
    const value = given[attribute];
    if (typeof value === "string") add(name, value);
    delete others[attribute];
  }
  for (const [name, value] of (given.topicConfig ?? []) as Settings) {
    add(name, value);
  }
  // The broker has the same defaults, unless --topic-config sets them.
  for (const option of Object.values(OLDER)) {
    if (command.getOptionValueSource(option) === "default") delete others[option];
  }
  delete others.topicConfig;
  return { ...(others as Options), topicDefaults };
}

function parseSettings(text: string, previous?: Settings): Settings {
  let settings = previous;
  for (const setting of text.trim().split(/\s+/)) settings = settingList(setting, settings);
  return settings ?? [];
}

function settingsWithFlag(): [name: string, config: TopicConfig][] {
  return TOPIC_CONFIG_NAMES.flatMap((name): [string, TopicConfig][] => {
    const config: TopicConfig = TOPIC_CONFIGS[name];
    return isActive(config) && !Object.hasOwn(OLDER, name) ? [[name, config]] : [];
  });
}

function defaultOf(name: string, { default: value = "" }: TopicConfig): string {
  if (value === LONG_MAX) return "none";
  return name.endsWith(".ms") ? formatDuration(Number(value)) : value;
}

/** The documentation of a config as the description of a flag. */
function summaryOf({ documentation }: TopicConfig, defaultValue: string): string {
  const text = documentation.replace(/, in (?:milliseconds|bytes)\.$|\.$/, "");
  // Commander shows no default that it does not set.
  return `${text.charAt(0).toLowerCase()}${text.slice(1)} (default: ${defaultValue})`;
}

function parsed(name: string, config: TopicConfig, text: string): string {
  try {
    return canonicalValue(name, config, inUnits(name, text));
  } catch (error) {
    if (!(error instanceof RustLogError)) throw error;
    throw new InvalidArgumentError(`${error.message}.`);
  }
}
