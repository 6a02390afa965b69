// DeleteTopic.
// Leaves to others: the other requests about topics (topics.ts), and deleting (topics/topic-registry.ts).
import { API, decodeRequest, decodeResponse, encodeRequest, encodeResponse } from "./messages.ts";

// DeleteTopic
//   request  = topic string
//   response = nothing

export interface DeleteTopicRequest {
  readonly topic: string;
}

export type DeleteTopicResponse = Record<never, never>;

export function encodeDeleteTopicRequest(
  correlationId: number,
  request: DeleteTopicRequest,
): Uint8Array {
  return encodeRequest(API.DeleteTopic, correlationId, (body) => body.string(request.topic));
}

export function decodeDeleteTopicRequest(payload: Uint8Array): DeleteTopicRequest {
  return decodeRequest(payload, (body) => ({ topic: body.string("topic") }));
}

export function encodeDeleteTopicResponse(
  correlationId: number,
  _response: DeleteTopicResponse = {},
): Uint8Array {
  return encodeResponse(correlationId, () => {});
}

export function decodeDeleteTopicResponse(payload: Uint8Array): DeleteTopicResponse {
  return decodeResponse(payload, () => ({}));
}
