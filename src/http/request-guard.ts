// Decides which HTTP requests are answered.
// Leaves to others: listening and routing (http-server.ts).
//
// Any web page can make its reader's browser send requests to this machine. Two checks prevent that:
// - `Host` must be a name of this broker. Otherwise a page could point its own name at our address (DNS rebinding) and
//   read our responses as its own. On loopback only names of this machine pass; elsewhere, addresses and the names in
//   --http-allowed-host. An address can't be rebound: a page with that origin was served from it.
// - A request from a page of another origin is rejected, except for a link to here: the linking page can't read what
//   the link shows.
// A client that sends neither Origin nor Sec-Fetch-Site is not a browser.
import { isIP } from "node:net";
import { isLoopback } from "../net/address.js";

interface GuardRefusal {
  readonly status: 400 | 403;
  readonly message: string;
}

export class RequestGuard {
  readonly #isLocal: boolean;
  readonly #names: ReadonlySet<string>;

  /** `host` is the listening address; `allowedHosts` are additional names for it. */
  constructor(host: string, allowedHosts: readonly string[]) {
    this.#isLocal = isLoopback(host);
    this.#names = new Set([host, ...allowedHosts].map(canonical));
  }

  /** Why a request is rejected; undefined if it is answered. */
  refusal(request: Request): GuardRefusal | undefined {
    const host = request.headers.get("host") ?? "";
    const url = URL.parse(request.url);
    if (host === "" || url === null) {
      return { status: 400, message: "the Host header or the request target is invalid" };
    }
    const name = nameIn(host);
    // For `GET http://other/ HTTP/1.1` the target counts, not the header.
    if (name === undefined || canonical(url.hostname.replace(/^\[(.*)\]$/, "$1")) !== name) {
      return { status: 400, message: `the Host header '${host}' does not match the request` };
    }
    if (!this.#isAllowed(name)) {
      const whose = this.#isLocal ? "this machine" : "this broker";
      const message = `'${name}' is not a name of ${whose}; allow it with --http-allowed-host ${name}`;
      return { status: 403, message };
    }
    return originRefusal(request, host);
  }

  #isAllowed(name: string): boolean {
    if (this.#names.has(name) || isLoopback(name)) return true;
    return !this.#isLocal && isIP(name) !== 0;
  }
}

function originRefusal({ headers, method }: Request, host: string): GuardRefusal | undefined {
  const origin = headers.get("origin");
  if (origin !== null && origin.replace(/^https?:\/\//, "") !== host) {
    return { status: 403, message: `pages from ${origin} may not use this broker` };
  }
  // Requests for images and scripts have no Origin; this header says whether another page sent them.
  const site = headers.get("sec-fetch-site") ?? "none";
  const isLink = headers.get("sec-fetch-mode") === "navigate" && method === "GET";
  if (isLink || site === "none" || site === "same-origin") return undefined;
  return { status: 403, message: "pages from another origin may not use this broker" };
}

/** The name or address in a Host header, without the port; undefined if there is none. */
function nameIn(host: string): string | undefined {
  const found = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::\d{0,5})?$/i.exec(host);
  const name = found?.[1] ?? found?.[2];
  return name === undefined ? undefined : canonical(name);
}

/** Normalizes case, a trailing dot, and the form of IPv6 addresses. */
function canonical(name: string): string {
  const plain = name.toLowerCase().replace(/\.$/, "");
  return isIP(plain) === 6
    ? (URL.parse(`http://[${plain}]`)?.hostname.slice(1, -1) ?? plain)
    : plain;
}
