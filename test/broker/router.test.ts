import { expect, test } from "bun:test";
import { Exchange, type ExchangeOwner } from "../../src/broker/exchange.ts";
import { Router } from "../../src/broker/handlers/router.ts";
import type { ServiceContext } from "../../src/services/context.ts";
import { API } from "../../src/protocol/native/messages.ts";
import { encodeDeleteTopicRequest } from "../../src/protocol/native/delete-topic.ts";
import { encodeListTopicsRequest } from "../../src/protocol/native/topics.ts";
import { errorOf } from "../support/broker.ts";

test("a bug in a handler is answered without its details, and logged with them", async () => {
  const lines: string[] = [];
  const answers: Uint8Array[] = [];
  const owner: ExchangeOwner = {
    frameBytesMax: 1000,
    mayWait: true,
    addWait() {},
    removeWait() {},
    charge() {},
    nextPortion: () => Promise.resolve(),
    whenTime: (call) => call(),
    isGone: false,
    log: (_kind, line) => lines.push(line),
    answered(_bytes, head) {
      if (head instanceof Uint8Array) answers.push(head.subarray(4));
    },
  };
  const broken = {
    registry: {
      list(): never {
        throw new TypeError("secret detail");
      },
      delete: () => Promise.reject(new TypeError("later detail")),
    },
  };
  const router = new Router(broken as unknown as ServiceContext);
  const header = (apiKey: number) => ({ apiKey, apiVersion: 1, correlationId: 1, bodyStart: 6 });
  const list = encodeListTopicsRequest(1).subarray(4);
  router.dispatch(new Exchange(owner, header(API.ListTopics), 0, 0), header(API.ListTopics), list);
  const remove = encodeDeleteTopicRequest(2, { topic: "t" }).subarray(4);
  router.dispatch(
    new Exchange(owner, header(API.DeleteTopic), 0, 0),
    header(API.DeleteTopic),
    remove,
  );
  await router.idle();
  expect(answers.map(errorOf)).toEqual([
    "UNKNOWN_SERVER_ERROR: the broker failed to handle the request; its log says more",
    "UNKNOWN_SERVER_ERROR: the broker failed to handle the request; its log says more",
  ]);
  expect(lines[0]).toContain("secret detail");
  expect(lines[1]).toContain("later detail");
});
