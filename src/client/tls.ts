// The client's side of TLS: its options, and what a failed handshake means.
// Leaves to others: the connection (broker-connection), and reading files (cli/).
import { RustLogError } from "../errors.js";
import { checkBoolean, checkObject, checkString } from "./argument-check.js";
import type { BrokerAddress } from "./broker-address.js";

/** How to connect to a broker with TLS. Certificates and keys are PEM text. */
export interface TlsOptions {
  /** Certificates that sign the broker's. Default: those of the well-known authorities. */
  readonly ca?: string;
  /** Certificate that says who the client is, for a broker that asks for one. */
  readonly cert?: string;
  /** Key of `cert`. */
  readonly key?: string;
  /** The name to find in the broker's certificate, if it is not the host of its address. */
  readonly serverName?: string;
  /** Accepts any certificate (false): a server between here and the broker can read and change everything. */
  readonly insecure?: boolean;
}

/** Throws INVALID_CONFIG. */
export function checkTls(tls: boolean | TlsOptions | undefined): TlsOptions | undefined {
  if (tls === undefined || tls === false) return undefined;
  if (tls === true) return {};
  checkObject("INVALID_CONFIG", "tls", tls);
  for (const name of ["ca", "cert", "key", "serverName"] as const) {
    if (tls[name] !== undefined) checkString("INVALID_CONFIG", `${name} of tls`, tls[name]);
  }
  for (const name of ["ca", "cert", "key"] as const) {
    if (tls[name]?.includes("-----BEGIN ") === false)
      throw new RustLogError("INVALID_CONFIG", `${name} of tls is not PEM text`);
  }
  if (tls.insecure !== undefined) {
    checkBoolean("INVALID_CONFIG", "insecure of tls", tls.insecure);
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new RustLogError("INVALID_CONFIG", "tls has only one of cert and key");
  }
  return tls;
}

/** The options of `Bun.connect`. They are never empty: Bun takes an empty object for no TLS. */
export function socketTls({ ca, cert, key, serverName, insecure = false }: TlsOptions) {
  return {
    rejectUnauthorized: !insecure,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert, key }),
    ...(serverName === undefined ? {} : { serverName }),
  } satisfies Bun.TLSOptions;
}

/** The error of a handshake that failed. */
export function handshakeError({ text }: BrokerAddress, error: Error | null): RustLogError {
  const reason = error?.message ?? "unknown reason";
  const code = error !== null && "code" in error ? String(error.code) : "";
  const message = `no TLS with ${text}: ${reason}`;
  if (code === "ECONNRESET") {
    return new RustLogError("CONNECTION_LOST", message, {
      cause: error,
      help: "Is it a port with TLS? The log of the broker says why it has closed the connection.",
    });
  }
  const help =
    code === "ERR_TLS_CERT_ALTNAME_INVALID"
      ? "Connect by a name that is in the certificate."
      : "If the certificate is signed by an authority of your own, name its certificate as the CA.";
  return new RustLogError("INVALID_CONFIG", message, { cause: error, help });
}

/** The error of a connection that the broker has refused because of the client's certificate; undefined for any other. */
export function refusedCertificate({ text }: BrokerAddress, error: Error) {
  const alert = /ALERT_([A-Z_]+)$/.exec(error.message)?.[1];
  if (alert === undefined) return undefined;
  const reason = alert.toLowerCase().replaceAll("_", " ");
  return new RustLogError("INVALID_CONFIG", `${text} has refused TLS: ${reason}`, {
    cause: error,
    help: "The broker accepts only clients with a certificate that its --tls-client-ca has signed.",
  });
}
