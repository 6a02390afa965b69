// A topic's own settings: Kafka's configs for it, checked and resolved; and the check of topic names.
// Leaves to others: the configs (topic-configs.ts), storing them (topic-file.ts) and applying them (log/log.ts).
import { RustLogError } from "../errors.js";
import { TOPIC_NAME_LENGTH_MAX } from "../limits.js";
import type { LogSettings } from "../log/log-context.js";
import { canonicalValue, invalidValue, shortened } from "./config-value.js";
import {
  type ActiveSettings,
  conflictAmong,
  type SettingBounds,
  topicConfig,
} from "./topic-configs.js";

/** Settings as stored and sent: Kafka's names, and values in their canonical form. */
export type TopicSettings = Readonly<Record<string, string>>;

/** What the broker acts on in a topic's own settings. */
export type OwnLimits = Partial<ActiveSettings>;

/** The log settings of a topic: its own, then the broker's. Throws INVALID_CONFIG, naming the setting. */
export function resolveSettings(own: TopicSettings, defaults: LogSettings): LogSettings {
  return { ...defaults, ...ownLimits(own) };
}

/** The settings that the broker acts on. Throws INVALID_CONFIG, naming the setting. */
export function ownLimits(own: TopicSettings): OwnLimits {
  const limits: { -readonly [Field in keyof ActiveSettings]?: ActiveSettings[Field] } = {};
  for (const [name, value] of Object.entries(canonicalSettings(own))) {
    const { field, effect } = topicConfig(name) ?? {};
    if (effect !== undefined) Object.assign(limits, effect(value));
    if (field === undefined) continue;
    // Kafka's largest values are above the safe integers. They mean "no limit", as negative ones do.
    limits[field] = Math.max(-1, Math.min(Number(value), Number.MAX_SAFE_INTEGER));
  }
  return limits;
}

/** Checks a topic's own settings and returns them in their canonical form. Throws INVALID_CONFIG, naming the setting. */
export function canonicalSettings(own: TopicSettings): TopicSettings {
  const settings: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) settings[name] = canonicalSetting(name, value);
  return settings;
}

function canonicalSetting(name: string, text: string): string {
  const config = topicConfig(name);
  if (config === undefined) {
    const message = `Unknown topic config name: ${shortened(name)}`;
    throw new RustLogError("INVALID_CONFIG", message);
  }
  const value = canonicalValue(name, config, text);
  if (config.only === undefined || config.only.includes(value)) return value;
  throw invalidValue(name, value, `this broker supports only ${config.only.join(", ")}`);
}

/** As `canonicalSettings`, for a broker with these options: also rejects what they prevent it from keeping to. */
export function settingsWithin(bounds: SettingBounds, own: TopicSettings): TopicSettings {
  const settings = canonicalSettings(own);
  for (const [name, value] of Object.entries(settings)) {
    const why = topicConfig(name)?.conflict?.(value, bounds);
    if (why !== undefined) throw invalidValue(name, value, why);
  }
  const conflict = conflictAmong(settings);
  if (conflict !== undefined) throw new RustLogError("INVALID_CONFIG", conflict);
  return settings;
}

/** Stored settings that the broker's options, changed since, prevent it from keeping to, as text for the operator. */
export function settingsBeyond(bounds: SettingBounds, own: TopicSettings): string[] {
  return Object.entries(own).flatMap(([name, value]) => {
    const why = topicConfig(name)?.conflict?.(value, bounds);
    return why === undefined ? [] : [`${name}=${value} has no effect: ${why}`];
  });
}

/** Created by ext4 in the root of a volume, which `topics` may be. It is not a valid topic name. */
export const LOST_AND_FOUND = "lost+found";

/**
 * Throws INVALID_TOPIC unless `name` follows Kafka's rule: 1 to 249 characters of `a-z A-Z 0-9 . _ -`, other than `.`
 * and `..`. Such a name can't leave the data directory.
 */
export function checkTopicName(name: string): void {
  let why: string | undefined;
  if (name.length === 0) why = "it is empty";
  else if (name === "." || name === "..") why = "it is the name of a directory";
  else if (name.length > TOPIC_NAME_LENGTH_MAX) why = `it has ${name.length} characters`;
  else if (!/^[a-zA-Z0-9._-]+$/.test(name)) why = "it has a character outside a-z A-Z 0-9 . _ -";
  if (why === undefined) return;
  const shown = JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
  throw new RustLogError("INVALID_TOPIC", `${shown} can't be a topic name: ${why}`);
}
