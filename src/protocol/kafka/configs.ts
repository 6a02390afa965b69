// DescribeConfigs, AlterConfigs and IncrementalAlterConfigs.
import { api, array, bool, int8, int16, string, throttleTimeMs } from "./schema.js";

/** What a config belongs to. */
export const RESOURCE = { topic: 2, broker: 4, logger: 8, clientMetrics: 16, group: 32 } as const;

/** What an IncrementalAlterConfigs does to a config. */
export const CONFIG_OPERATION = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

/** Who set a config. */
export const CONFIG_SOURCE = { topic: 1, broker: 4, default: 5 } as const;

export const CONFIG_TYPE = {
  ...{ boolean: 1, string: 2, int: 3, short: 4, long: 5, double: 6, list: 7 },
} as const;

export const DescribeConfigs = api({
  key: 32,
  versions: [1, 4],
  flexibleSince: 4,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      /** Null or none for all. */
      configurationKeys: array(string(), { nullable: 0 }),
    }),
    includeSynonyms: bool({ since: 1 }),
    includeDocumentation: bool({ since: 3 }),
  },
  response: {
    throttleTimeMs: throttleTimeMs(),
    results: array({
      errorCode: int16(),
      errorMessage: string({ nullable: 0 }),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string({ nullable: 0 }),
        readOnly: bool(),
        configSource: int8({ since: 1 }),
        isSensitive: bool(),
        synonyms: array(
          { name: string(), value: string({ nullable: 0 }), source: int8() },
          { since: 1 },
        ),
        configType: int8({ since: 3 }),
        documentation: string({ since: 3, nullable: 0 }),
      }),
    }),
  },
});

/** The outcome for each resource. */
const ALTERED = {
  throttleTimeMs: throttleTimeMs(),
  responses: array({
    errorCode: int16(),
    errorMessage: string({ nullable: 0 }),
    resourceType: int8(),
    resourceName: string(),
  }),
};

/** Replaces all configs of a resource. */
export const AlterConfigs = api({
  key: 33,
  versions: [0, 2],
  flexibleSince: 2,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({ name: string(), value: string({ nullable: 0 }) }),
    }),
    validateOnly: bool(),
  },
  response: ALTERED,
});

export const IncrementalAlterConfigs = api({
  key: 44,
  versions: [0, 1],
  flexibleSince: 1,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        configOperation: int8(),
        value: string({ nullable: 0 }),
      }),
    }),
    validateOnly: bool(),
  },
  response: ALTERED,
});
