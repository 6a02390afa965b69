// A broker with hostile text: names with escape sequences in all lists, or in error messages.
// Leaves to others: how a client reacts.
import type { TCPSocketListener } from "bun";
import { RustLogError } from "../../src/errors.js";
import { API_NAMES } from "../../src/protocol/native/api-versions.js";
import { FrameDecoder } from "../../src/net/frame.js";
import { DescribeGroup, DescribeMembers, ListGroups } from "../../src/protocol/native/groups.js";
import {
  API,
  decodeRequestHeader,
  encodeErrorResponse,
} from "../../src/protocol/native/messages.js";
import { ApiVersions, Ping } from "../../src/protocol/native/meta.js";
import { CreateTopic, DescribeTopic, ListTopics } from "../../src/protocol/native/topics.js";

/** A newline and a made-up line, a colour, a bell, reversed text, a C1 sequence, DEL, a line separator, a tag. */
export const HOSTILE =
  "evil\nfake 99\r\u001b[31mred\u0007\u202etxt.exe\u009b2J\u007f\u2028\u{e0041}end";

/** Answers known requests in version 1, and all others with an error. */
export class HostileBroker implements Disposable {
  readonly #server: TCPSocketListener<FrameDecoder>;

  /** With `onlyErrors`, every request but the first ones of a connection gets an error. */
  constructor(onlyErrors = false) {
    this.#server = Bun.listen<FrameDecoder>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (socket) => {
          socket.data = new FrameDecoder({ frameBytesMax: 1024 * 1024 });
        },
        data: (socket, chunk) => {
          socket.data.feed(chunk);
          for (let frame = socket.data.next(); frame; frame = socket.data.next()) {
            const { apiKey, correlationId } = decodeRequestHeader(frame);
            const given = answer(apiKey, correlationId, onlyErrors);
            socket.write(given ?? encodeErrorResponse(correlationId, REFUSAL));
          }
        },
      },
    });
  }

  /** "host:port" to connect to. */
  get address(): string {
    return `127.0.0.1:${this.#server.port}`;
  }

  [Symbol.dispose](): void {
    this.#server.stop(true);
  }
}

const REFUSAL = new RustLogError("INVALID_CONFIG", `no ${HOSTILE}`);

const ROW = { logStartOffset: 0, highWatermark: 9, logEndOffset: 9, segments: 1, bytes: 1 };

function answer(apiKey: number, id: number, onlyErrors: boolean): Uint8Array | undefined {
  if (apiKey === API.Ping) return Ping.encodeResponse(id, {});
  if (apiKey === API.ApiVersions) {
    return ApiVersions.encodeResponse(id, {
      brokerVersion: HOSTILE,
      logDirectoryId: HOSTILE,
      maxFrameBytes: 1024 * 1024,
      maxBatchBytes: 1024 * 1024,
      apis: API_NAMES.map((name) => ({ apiKey: API[name], minVersion: 1, maxVersion: 1 })),
    });
  }
  if (onlyErrors) return undefined;
  const partitions = [
    { partition: 0, ...ROW, offline: "" },
    { partition: 1, ...ROW, offline: HOSTILE },
  ];
  const topic = { name: HOSTILE, internal: false };
  switch (apiKey) {
    case API.ListTopics:
      return ListTopics.encodeResponse(id, {
        topics: [{ ...topic, partitions: 1, offline: 0 }],
        more: false,
      });
    case API.DescribeTopic: {
      const settings = [{ name: HOSTILE, value: HOSTILE, source: HOSTILE }];
      return DescribeTopic.encodeResponse(id, { ...topic, settings, partitions });
    }
    case API.CreateTopic:
      return CreateTopic.encodeResponse(id, { partitions: 1 });
    case API.ListGroups:
      return ListGroups.encodeResponse(id, {
        groups: [{ group: HOSTILE, partitions: 1, state: HOSTILE, type: HOSTILE, members: 1 }],
        more: false,
      });
    case API.DescribeGroup: {
      const commit = { committedOffset: 1, commitTimestamp: 1, memberId: HOSTILE };
      const row = { topic: HOSTILE, partition: 0, ...ROW, ...commit };
      return DescribeGroup.encodeResponse(id, { partitions: [row], more: false });
    }
    case API.DescribeMembers: {
      const names = { memberId: HOSTILE, instanceId: HOSTILE, clientId: HOSTILE, host: HOSTILE };
      return DescribeMembers.encodeResponse(id, {
        members: [{ ...names, partitions: 1 }],
        more: false,
        ...{ state: HOSTILE, type: HOSTILE, protocolType: HOSTILE, assignor: HOSTILE },
        generation: 1,
      });
    }
    default:
      return undefined;
  }
}
