// Whether this machine has IPv6, for tests of both families.
import { networkInterfaces } from "node:os";

export const HAS_IPV6 = Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === "::1");
