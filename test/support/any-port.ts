// A listener's endpoint on a free port of this machine.
import type { Endpoint } from "../../src/net/listener.js";

export function anyPort(changes: Partial<Endpoint> = {}): Endpoint {
  return { host: "127.0.0.1", port: 0, flags: { host: "--host", port: "--port" }, ...changes };
}
