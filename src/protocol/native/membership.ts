// GroupHeartbeat: with this one request a consumer joins a group, stays in it, and leaves it, and the response says which
// partitions it reads.
// Leaves to others: who reads what (groups/consumer/consumer-group.ts).
import { MEMBER_TOPICS_MAX, PARTITIONS_MAX } from "../../limits.js";
import { api, array, type RequestOf, type ResponseOf } from "./schema.js";

/** Epochs in a request with which a member joins, leaves, and leaves to come back with the same instance id. */
export const EPOCH_TO_JOIN = 0;
export const EPOCH_TO_LEAVE = -1;
export const EPOCH_TO_RETURN = -2;

const PARTITIONS = array({ partition: "u32" }, PARTITIONS_MAX);

export const GroupHeartbeat = api("GroupHeartbeat", {
  request: {
    group: "string",
    /** Chosen by the member, and unique in the group. */
    memberId: "string",
    /** That of the last response; 0 to join, -1 to leave, -2 to leave and come back with the same instance id. */
    memberEpoch: "i64",
    /** Name of a member that may restart and keep its partitions; empty for none. */
    instanceId: "string",
    /** Name for people: see DescribeMembers. */
    clientId: "string",
    /** Milliseconds without a heartbeat after which the member has left. */
    sessionTimeoutMs: "u32",
    /** Milliseconds that the member may take to give up partitions. */
    rebalanceTimeoutMs: "u32",
    /** Topics to read; they need not exist yet. */
    topics: array({ topic: "string" }, MEMBER_TOPICS_MAX),
    /** A regular expression for the whole name of further topics to read; empty for none. */
    pattern: "string",
    /** What the member reads now. Partitions that it no longer lists here may be given to others. */
    owned: array({ topicId: "uuid", partitions: PARTITIONS }, MEMBER_TOPICS_MAX),
    /**
     * Milliseconds to wait for news: another epoch or assignment than those of the request. 0 for no wait; at most
     * the heartbeat interval.
     */
    maxWaitMs: "u32",
  },
  response: {
    memberEpoch: "i64",
    /** Time to the next heartbeat, in milliseconds. */
    heartbeatIntervalMs: "u32",
    /** What the member may read. It has to stop reading everything else, and then say so with `owned`. */
    assignment: array({ topic: "string", topicId: "uuid", partitions: PARTITIONS }),
  },
});

export type GroupHeartbeatRequest = RequestOf<typeof GroupHeartbeat>;
export type GroupHeartbeatResponse = ResponseOf<typeof GroupHeartbeat>;
