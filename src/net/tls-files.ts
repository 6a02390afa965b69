// The certificate and key of the TLS ports, from files that may be replaced while the broker runs.
// Leaves to others: TLS itself (Bun), and which ports use it (tls-handshake.ts, listener.ts).
//
// Observed in Bun 1.4.5, and relied on here: connections that have begun with the old certificate keep it, because each
// has its own options (`upgradeTLS`); the same options again cost nothing, because Bun caches the context made from them.
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { isLoopback } from "./address.js";

/** Whether a client must have a certificate, or may log in instead. */
export type ClientAuth = "required" | "requested";

export const CLIENT_AUTHS = ["required", "requested"] as const satisfies readonly ClientAuth[];

/** Paths of PEM files. */
export interface TlsPaths {
  /** The certificate, followed by the intermediate ones. */
  readonly cert: string;
  readonly key: string;
  /** Authorities that sign the certificates of clients. Without it, clients are not asked for a certificate. */
  readonly clientCa?: string | undefined;
  readonly clientAuth: ClientAuth;
}

/** Options of Bun's `upgradeTLS` for a server; Bun's type declarations lack `isServer` and `minVersion`. */
export interface ServerTls extends Bun.TLSOptions {
  readonly isServer: true;
  readonly minVersion: number;
}

/** TLS 1.2 as a number. Versions 1.0 and 1.1 are broken. */
const TLS_1_2 = 0x0303;

/** For TLS 1.2: only those with forward secrecy and authenticated encryption. Those of TLS 1.3 are all of this kind. */
const CIPHERS = [
  ...["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"],
  ...["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"],
  ...["ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"],
].join(":");

/** Time between two checks of the files, in milliseconds. */
const CHECK_MS = 2_000;

export class TlsFiles {
  readonly paths: TlsPaths;
  readonly #log: (line: string) => void;
  #options: ServerTls;
  #optionsForHttp: ServerTls;
  #certificate: X509Certificate;
  /** State of the files at the last read. */
  #loaded: string;
  /** State of the files at the last check. */
  #seen: string;
  #fault: string | undefined;
  #watch: Timer | undefined;

  /** Reads the files. Throws a RangeError that names the flag and says what is wrong. */
  constructor(paths: TlsPaths, log: (line: string) => void) {
    this.paths = paths;
    this.#log = log;
    this.#loaded = stampOf(paths);
    this.#seen = this.#loaded;
    const { options, certificate } = readTls(paths);
    this.#options = options;
    this.#optionsForHttp = withoutClients(options);
    this.#certificate = certificate;
  }

  /** Checks the files every two seconds, until `close`. */
  watch(): void {
    this.#watch = setInterval(() => this.look(), CHECK_MS);
  }

  /** For connections from now on. */
  get options(): ServerTls {
    return this.#options;
  }

  /** The same for browsers, which are asked for no certificate. */
  get optionsForHttp(): ServerTls {
    return this.#optionsForHttp;
  }

  /** The certificate, for the log. */
  get summary(): string {
    return summaryOf(this.#certificate);
  }

  /** When the certificate expires, in milliseconds since the epoch. */
  get endsMs(): number {
    return this.#certificate.validToDate.getTime();
  }

  /** Why the files as they are now can't be used, and those that were read before are; undefined if they can. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /**
   * The name to tell a client that has asked for none, and has connected to this address of ours. Java asks only for names
   * with a dot: if the certificate lacks the address, its client must have used one without.
   */
  nameFor(address: string): string | undefined {
    if (this.#certificate.checkIP(address) !== undefined) return undefined;
    const listed = this.#certificate.subjectAltName ?? "";
    const names = [...listed.matchAll(/\bDNS:([\w-]+)(?=,|$)/g)].map(([, name]) => name!);
    return names.find((name) => (name === "localhost") === isLoopback(address)) ?? names[0];
  }

  /** Whether clients prove with a certificate who they are. */
  get asksClients(): boolean {
    return this.paths.clientCa !== undefined;
  }

  /** Reads the files again. If they are unusable, says so and keeps what was read before. */
  reload(): void {
    this.#loaded = stampOf(this.paths);
    this.#seen = this.#loaded;
    try {
      const { options, certificate } = readTls(this.paths);
      this.#options = options;
      this.#optionsForHttp = withoutClients(options);
      this.#certificate = certificate;
      this.#fault = undefined;
      this.#log(`TLS certificate loaded again: ${this.summary}`);
    } catch (error) {
      const reason = messageOf(error);
      this.#fault = reason;
      this.#log(`the TLS certificate stays ${this.summary}: ${reason}`);
    }
  }

  /** Reads the files again after a change, once two checks have found the same state: they are not written at the same time. */
  look(): void {
    const now = stampOf(this.paths);
    if (now !== this.#loaded && now === this.#seen) this.reload();
    this.#seen = now;
  }

  close(): void {
    clearInterval(this.#watch);
    this.#watch = undefined;
  }
}

/** Changes when a file is written or replaced, also behind a symbolic link. */
function stampOf({ cert, key, clientCa }: TlsPaths): string {
  const stamps = [cert, key, clientCa].map((path) => {
    if (path === undefined) return "";
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats === undefined ? "missing" : `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
  });
  return stamps.join(", ");
}

function readTls(paths: TlsPaths): { options: ServerTls; certificate: X509Certificate } {
  const cert = readPem("--tls-cert", paths.cert);
  const key = readPem("--tls-key", paths.key);
  const certificate = parsed("--tls-cert", paths.cert, () => new X509Certificate(cert));
  const privateKey = parsed("--tls-key", paths.key, () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new RangeError(`--tls-key ${paths.key} is not the key of --tls-cert ${paths.cert}`);
  }
  const { clientCa } = paths;
  const ca = clientCa === undefined ? undefined : readPem("--tls-client-ca", clientCa);
  if (ca !== undefined) parsed("--tls-client-ca", clientCa!, () => new X509Certificate(ca));
  const common = { cert, key, ciphers: CIPHERS };
  parsed("--tls-cert", paths.cert, () => createSecureContext(common));
  const options: ServerTls = {
    ...common,
    ...(ca === undefined ? {} : { ca, requestCert: true }),
    rejectUnauthorized: ca !== undefined && paths.clientAuth === "required",
    isServer: true,
    minVersion: TLS_1_2,
  };
  return { options, certificate };
}

function withoutClients({ ca: _, requestCert: __, ...options }: ServerTls): ServerTls {
  return { ...options, rejectUnauthorized: false };
}

function readPem(flag: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new RangeError(`${flag} ${path} can't be read: ${messageOf(error)}`, { cause: error });
  }
  if (!text.includes("-----BEGIN ")) throw new RangeError(`${flag} ${path} is not a PEM file`);
  return text;
}

function parsed<T>(flag: string, path: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new RangeError(`${flag} ${path} is unusable: ${messageOf(error)}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** `CN=broker.example, valid until 2027-01-31`. */
function summaryOf({ subject, validToDate }: X509Certificate): string {
  const name = subject === undefined || subject === "" ? "without a name" : subject;
  const ends = validToDate.toISOString().slice(0, 10);
  const isExpired = validToDate.getTime() <= Date.now();
  const validity = isExpired ? `which EXPIRED on ${ends}` : `valid until ${ends}`;
  return `${name.replaceAll("\n", ", ")}, ${validity}`;
}
