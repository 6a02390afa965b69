// What real clients sent to Apache Kafka 4.4.0 and got from it (corpus.jsonl) is decoded and encoded again by our tables.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type KafkaApiName, KAFKA_APIS, kafkaApiName } from "../../../src/protocol/kafka/apis.js";
import {
  decodeResponse,
  encodeRequest,
  encodeResponse,
  openRequest,
  readHeader,
  type RequestHeader,
} from "../../../src/protocol/kafka/headers.js";
import type { Api } from "../../../src/protocol/kafka/schema.js";

interface Exchange {
  readonly client: string;
  readonly request: string;
  readonly response: string;
}

const [, ...lines] = readFileSync(join(import.meta.dir, "corpus.jsonl"), "utf8")
  .trimEnd()
  .split("\n");
const EXCHANGES = lines.map((line) => {
  const { client, request, response } = JSON.parse(line) as Exchange;
  const header = readHeader(Buffer.from(request, "hex"));
  return { client, header, request, response, name: kafkaApiName(header.apiKey) };
});
const SERVED = EXCHANGES.flatMap((each) =>
  each.name === undefined ? [] : [{ ...each, name: each.name }],
);

function apiOf(name: KafkaApiName): Api {
  return KAFKA_APIS[name] as unknown as Api;
}

/** Decodes and encodes a request again. */
function requestAgain(api: Api, header: RequestHeader, hex: string): string {
  const isFlexible = header.apiVersion >= api.flexibleSince;
  const { reader, clientId } = openRequest([Buffer.from(hex, "hex")], isFlexible);
  const value = api.request.read(reader, header.apiVersion);
  return unframed(encodeRequest(api, { ...header, clientId }, value));
}

/** Decodes and encodes a response again. */
function responseAgain(api: Api, { apiVersion }: RequestHeader, hex: string): string {
  const { correlationId, value } = decodeResponse(api, apiVersion, Buffer.from(hex, "hex"));
  return unframed(encodeResponse(api, { apiVersion, correlationId }, value));
}

function unframed(frame: Uint8Array): string {
  return Buffer.from(frame.subarray(4)).toString("hex");
}

for (const client of new Set(EXCHANGES.map((each) => each.client))) {
  test(`what ${client} sends and gets is decoded and encoded to the same bytes`, () => {
    for (const { header, request, response, name } of SERVED.filter(
      (each) => each.client === client,
    )) {
      const what = `${name} v${header.apiVersion}`;
      expect([what, requestAgain(apiOf(name), header, request)]).toEqual([what, request]);
      expect([what, responseAgain(apiOf(name), header, response)]).toEqual([what, response]);
    }
  });
}
