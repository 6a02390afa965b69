// Every encoder and decoder of the native protocol in one list, once for each version and beside its grammar, so that
// one test can apply the same rules to all of them.
import { API_NAMES, APIS } from "../../src/protocol/native/api-versions.js";
import { API, type ApiName } from "../../src/protocol/native/messages.js";
import type { Api, Fields, ValueOf } from "../../src/protocol/native/schema.js";
import { encodeFetchResponse, encodeProduceRequest } from "../support/whole-frames.js";
import { type Field, fieldsIn, GRAMMAR, type Value } from "./grammar.js";

export interface Codec {
  readonly api: ApiName;
  readonly kind: "request" | "response";
  readonly version: number;
  /** The fields of that version. */
  readonly grammar: readonly Field[];
  /** A whole frame. */
  encode(correlationId: number, value: Value): Uint8Array;
  /** From a payload, envelope included. */
  decode(payload: Uint8Array): Value;
}

function codecs(kind: Codec["kind"]): readonly Codec[] {
  return API_NAMES.flatMap((name) => {
    const api: Api = CODED[name];
    return Array.from({ length: api.versions.max }, (_, index): Codec => {
      const version = index + 1;
      const grammar = fieldsIn(GRAMMAR[name][kind], version);
      return kind === "request"
        ? {
            ...{ api: name, kind, version, grammar },
            encode: (id, value) => api.encodeRequest(id, value as ValueOf<Fields>, version),
            decode: api.decodeRequest,
          }
        : {
            ...{ api: name, kind, version, grammar },
            encode: (id, value) => api.encodeResponse(id, value as ValueOf<Fields>, version),
            decode: (payload) => api.decodeResponse(payload, version),
          };
    });
  });
}

/** Two frames are sent as a head and the batches after it. */
const CODED = {
  ...APIS,
  Produce: { ...APIS.Produce, encodeRequest: encodeProduceRequest },
  Fetch: { ...APIS.Fetch, encodeResponse: encodeFetchResponse },
};

export const REQUESTS = codecs("request");
export const RESPONSES = codecs("response");
export const CODECS: readonly Codec[] = [...REQUESTS, ...RESPONSES];

/** The envelope that the document prescribes, byte by byte. */
export function envelopeOf({ api, kind, version }: Codec, correlationId: number): Uint8Array {
  const id = [24, 16, 8, 0].map((shift) => correlationId >>> shift);
  return Uint8Array.from(kind === "request" ? [API[api], version, ...id] : [...id, 0, 0]);
}

/** The thrown error; fails the test if there was none. */
export function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}
