// Which HTTP requests are answered at all, and why the others are not.
// Leaves to others: listening and routing (http-server.ts).
//
// A web page anywhere can make its reader's browser send requests to this machine. Two checks stop it:
// - The name in `Host` must be one that this broker goes by. Else a page could point its own name at our address (DNS
//   rebinding) and read our answers as its own. On loopback only names of this machine pass; beyond it, addresses and
//   the names of --http-allowed-host. An address can't be rebound: a page that has it as its origin came from there.
// - A request that says it comes from another origin's page is refused, except a link to here: that page can't read
//   what the link shows.
// A client that sends no Origin and no Sec-Fetch-Site is not a browser.
import { isIP } from "node:net";
import { isLoopback } from "../net/address.ts";

/** Why a request is not answered. */
export interface GuardRefusal {
  readonly status: 400 | 403;
  readonly message: string;
}

export class RequestGuard {
  readonly #isLocal: boolean;
  readonly #names: ReadonlySet<string>;

  /** `host` is the address that is listened on; `allowedHosts` are further names that it is reached by. */
  constructor(host: string, allowedHosts: readonly string[]) {
    this.#isLocal = isLoopback(host);
    this.#names = new Set([host, ...allowedHosts].map(canonical));
  }

  /** Why this request is not answered; undefined when it is. */
  refusal(request: Request): GuardRefusal | undefined {
    const host = request.headers.get("host") ?? "";
    const url = URL.parse(request.url);
    if (host === "" || url === null) {
      return { status: 400, message: "a request needs a valid Host header and target" };
    }
    const name = nameIn(host);
    // Of `GET http://other/ HTTP/1.1` the target counts, not the header.
    if (name === undefined || canonical(url.hostname.replace(/^\[(.*)\]$/, "$1")) !== name) {
      return { status: 400, message: `the Host header '${host}' does not match the request` };
    }
    if (!this.#isAllowed(name)) {
      const whose = this.#isLocal ? "this machine" : "this broker";
      const message = `'${name}' is not a name of ${whose}: --http-allowed-host ${name} allows it`;
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
    return { status: 403, message: `pages of ${origin} may not use this broker` };
  }
  // A page's images and scripts have no origin; the browser says whether another page asks for them.
  const site = headers.get("sec-fetch-site") ?? "none";
  const isLink = headers.get("sec-fetch-mode") === "navigate" && method === "GET";
  if (isLink || site === "none" || site === "same-origin") return undefined;
  return { status: 403, message: "pages of another origin may not use this broker" };
}

/** The name or address in a Host header, without its port; undefined for what is neither. */
function nameIn(host: string): string | undefined {
  const found = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::\d{0,5})?$/i.exec(host);
  const name = found?.[1] ?? found?.[2];
  return name === undefined ? undefined : canonical(name);
}

/** Names are compared without regard to case and to the dot that may end them; IPv6 addresses in their short form. */
function canonical(name: string): string {
  const plain = name.toLowerCase().replace(/\.$/, "");
  return isIP(plain) === 6
    ? (URL.parse(`http://[${plain}]`)?.hostname.slice(1, -1) ?? plain)
    : plain;
}
