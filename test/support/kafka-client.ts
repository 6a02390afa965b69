// A Kafka client for tests: one connection, any request in any version, encoded by the broker's own tables.
// Leaves to others: whether the tables are right (the tests with real clients and with recorded bytes).
import { decodeResponse, encodeRequest } from "../../src/protocol/kafka/headers.js";
import type { Api, Fields, ReadOf, WriteOf } from "../../src/protocol/kafka/schema.js";
import { RawClient } from "./raw-client.js";

export class KafkaClient implements Disposable {
  readonly raw: RawClient;
  #lastId = 0;

  private constructor(raw: RawClient) {
    this.raw = raw;
  }

  static async connect(
    port: number,
    hostname = "127.0.0.1",
    tls?: Bun.TLSOptions,
  ): Promise<KafkaClient> {
    return new KafkaClient(await RawClient.connect(port, { hostname, ...(tls && { tls }) }));
  }

  /** Sends a request and decodes the answer to it. Rejects if the broker closes the connection instead. */
  async call<Q extends Fields, R extends Fields>(
    api: Api<Q, R>,
    version: number,
    request: WriteOf<Q>,
  ): Promise<ReadOf<R>> {
    const id = this.send(api, version, request);
    return decodeResponse(api, version, await this.raw.response(id)).value;
  }

  /** Sends a request and returns its correlation id. */
  send<Q extends Fields, R extends Fields>(
    api: Api<Q, R>,
    version: number,
    request: WriteOf<Q>,
  ): number {
    const correlationId = ++this.#lastId;
    this.raw.send(
      encodeRequest(api, { apiVersion: version, correlationId, clientId: "test" }, request),
    );
    return correlationId;
  }

  [Symbol.dispose](): void {
    this.raw[Symbol.dispose]();
  }
}
