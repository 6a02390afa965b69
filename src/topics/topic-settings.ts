// Names, ranges and defaults of topic settings, and the check of topic names.
// Leaves to others: storing them (topic-file.ts) and applying them (log/log.ts).
import { RustLogError } from "../errors.js";
import { SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, TOPIC_NAME_LENGTH_MAX } from "../limits.js";
import type { LogSettings } from "../log/log-context.js";

/** Settings as stored and sent: Kafka's names, decimal values. */
export type TopicSettings = Readonly<Record<string, string>>;

interface Rule {
  readonly field: keyof LogSettings;
  readonly min: number;
  readonly max: number;
}

const RULES: Readonly<Record<string, Rule>> = {
  "segment.bytes": { field: "segmentBytes", min: SEGMENT_BYTES_MIN, max: SEGMENT_BYTES_MAX },
  "segment.ms": { field: "segmentMs", min: 1, max: Number.MAX_SAFE_INTEGER },
  "retention.bytes": { field: "retentionBytes", min: -1, max: Number.MAX_SAFE_INTEGER },
  "retention.ms": { field: "retentionMs", min: -1, max: Number.MAX_SAFE_INTEGER },
};

export const TOPIC_SETTING_NAMES: readonly string[] = Object.keys(RULES);

/** The log settings of a topic: its own, then the broker's. Throws INVALID_CONFIG, naming the setting. */
export function resolveSettings(own: TopicSettings, defaults: LogSettings): LogSettings {
  return { ...defaults, ...checkSettings(own) };
}

/** Parses a topic's own settings. Throws INVALID_CONFIG, naming the setting. */
export function checkSettings(own: TopicSettings): Partial<LogSettings> {
  const resolved: { -readonly [field in keyof LogSettings]?: number } = {};
  for (const [name, text] of Object.entries(own)) {
    const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
    if (rule === undefined) {
      throw new RustLogError(
        "INVALID_CONFIG",
        `unknown topic setting '${name}'; known are ${TOPIC_SETTING_NAMES.join(", ")}`,
      );
    }
    const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= rule.min && value <= rule.max)) {
      throw new RustLogError(
        "INVALID_CONFIG",
        `setting ${name} is '${text}'; expected a whole number from ${rule.min} to ${rule.max}`,
      );
    }
    resolved[rule.field] = value;
  }
  return resolved;
}

/** Created by ext4 in the root of a volume, which `topics` may be. It is not a valid topic name. */
export const LOST_AND_FOUND = "lost+found";

export const INTERNAL_PREFIX = "__";

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
