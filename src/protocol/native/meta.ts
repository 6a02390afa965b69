// Ping and ApiVersions: is anyone there, who, and what do they understand.
// Leaves to others: the table of what is supported (api-versions.ts).
import { api, array, type ResponseOf } from "./schema.ts";

export const Ping = api("Ping", { request: {}, response: {} });

/** Who the broker is, and what it takes. */
export const ApiVersions = api("ApiVersions", {
  request: {},
  response: {
    brokerVersion: "string",
    /** Identity of the data directory: another one means another log. */
    logDirectoryId: "string",
    /** Largest payload of a frame, in bytes. */
    maxFrameBytes: "u32",
    /** Largest record batch, in bytes. */
    maxBatchBytes: "u32",
    apis: array({ apiKey: "u8", minVersion: "u8", maxVersion: "u8" }),
  },
});

export type ApiVersionsResponse = ResponseOf<typeof ApiVersions>;
