// Ping and ApiVersions: whether the broker answers, who it is, and what it supports.
// Leaves to others: the table of versions (api-versions.ts).
import { api, array, type ResponseOf } from "./schema.js";

export const Ping = api("Ping", { request: {}, response: {} });

/** The identity and limits of a broker. */
export const ApiVersions = api("ApiVersions", {
  request: {},
  response: {
    brokerVersion: "string",
    /** Id of the data directory: another id means another log. */
    logDirectoryId: "string",
    /** Largest payload of a frame, in bytes. */
    maxFrameBytes: "u32",
    maxBatchBytes: "u32",
    apis: array({ apiKey: "u8", minVersion: "u8", maxVersion: "u8" }),
  },
});

export type ApiVersionsResponse = ResponseOf<typeof ApiVersions>;
