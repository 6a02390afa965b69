// This broker as a Kafka cluster of one.
import { LEADER_EPOCH } from "../../../record/batch.js";
import type { ServiceContext } from "../../../services/context.js";
import { CODE } from "../error-codes.js";

/** Id of the only broker, which leads every partition. */
export const NODE_ID = 1;

/** The 16 bytes of the data directory's id in base64url, as Kafka writes cluster ids. */
export function clusterId({ logDirectoryId }: ServiceContext): string {
  return Uint8Array.fromHex(logDirectoryId.replaceAll("-", "")).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
}

/** The error for a leader epoch that a client believes in, -1 if it has none; undefined if it is right. */
export function leaderEpochFault(epoch: number): number | undefined {
  if (epoch === -1 || epoch === LEADER_EPOCH) return undefined;
  return epoch < LEADER_EPOCH ? CODE.FENCED_LEADER_EPOCH : CODE.UNKNOWN_LEADER_EPOCH;
}

const REPLICAS = [NODE_ID];
const NO_REPLICAS: readonly number[] = [];

/** A partition, its leader and its replicas. */
export function partitionRow(isOnline: boolean, partitionIndex: number) {
  return {
    errorCode: isOnline ? CODE.NONE : CODE.LEADER_NOT_AVAILABLE,
    partitionIndex,
    leaderId: isOnline ? NODE_ID : -1,
    leaderEpoch: LEADER_EPOCH,
    replicaNodes: REPLICAS,
    isrNodes: isOnline ? REPLICAS : NO_REPLICAS,
    offlineReplicas: isOnline ? NO_REPLICAS : REPLICAS,
  };
}
