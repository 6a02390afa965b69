// This broker as a Kafka cluster of one.
import type { ServiceContext } from "../../../services/context.js";

/** Id of the only broker, which leads every partition. */
export const NODE_ID = 1;

/** Leadership never changes, so the first epoch lasts. */
export const LEADER_EPOCH = 0;

/** The 16 bytes of the data directory's id in base64url, as Kafka writes cluster ids. */
export function clusterId({ logDirectoryId }: ServiceContext): string {
  return Uint8Array.fromHex(logDirectoryId.replaceAll("-", "")).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
}
