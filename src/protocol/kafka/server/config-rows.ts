// Configs in the responses of DescribeConfigs and CreateTopics.
import type { DescribedConfig } from "../../../services/configs.js";
import { CONFIG_SOURCE } from "../configs.js";

/** What both responses have of a config. */
export function configRow(config: DescribedConfig) {
  return {
    ...{ name: config.name, value: config.value, readOnly: config.isReadOnly },
    ...{ configSource: CONFIG_SOURCE[config.source], isSensitive: false },
  };
}

/** The rows of one response. One for a config that several topics share is made once. */
export class SharedRows<Row> {
  readonly #make: (config: DescribedConfig) => Row;
  readonly #rows = new Map<DescribedConfig, Row>();

  constructor(make: (config: DescribedConfig) => Row) {
    this.#make = make;
  }

  /** Rows made so far. */
  get count(): number {
    return this.#rows.size;
  }

  of(config: DescribedConfig): Row {
    const known = this.#rows.get(config);
    if (known !== undefined) return known;
    const row = this.#make(config);
    this.#rows.set(config, row);
    return row;
  }
}
