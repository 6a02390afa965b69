// Certificates for tests, made by openssl when a test asks for the first: an authority, the broker's for `localhost`, and
// those of clients. Without openssl, tests that need them are skipped.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "./tmp.js";

export const HAS_OPENSSL = Bun.which("openssl") !== null;

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

interface CertificateOptions {
  /** As openssl takes it: `/O=acme/CN=ann`. */
  readonly subject: string;
  /** `DNS:localhost,IP:127.0.0.1` */
  readonly names?: string;
  /** Begin and end as openssl takes them: `20200101000000Z`. */
  readonly validity?: readonly [string, string];
}

/** An authority with a directory for what it signs. Disposing of it removes the directory. */
export class Authority implements Disposable {
  readonly path: string;
  readonly #directory: Disposable;
  #made = 0;

  constructor() {
    const directory = tempDir();
    this.#directory = directory;
    this.path = directory.path;
    mkdirSync(join(this.path, "new"));
    writeFileSync(join(this.path, "index.txt"), "");
    writeFileSync(join(this.path, "serial"), "01");
    writeFileSync(join(this.path, "ca.conf"), configuration(this.path));
    run(this.path, [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-keyout", "ca.key", "-out", "ca.crt", "-days", "2", "-subj", "/CN=test authority"],
    ]);
  }

  /** Path of its own certificate. */
  get ca(): string {
    return join(this.path, "ca.crt");
  }

  get caPem(): string {
    return readFileSync(this.ca, "utf8");
  }

  /** The broker's. */
  broker(names = "DNS:localhost,IP:127.0.0.1"): CertificateFiles {
    return this.sign({ subject: "/CN=localhost", names });
  }

  sign({ subject, names, validity }: CertificateOptions): CertificateFiles {
    const name = `c${++this.#made}`;
    const from = { config: join(this.path, "ca.conf"), request: `${name}.csr` };
    run(this.path, [
      ...["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8"],
      ...["-keyout", `${name}.key`, "-out", from.request, "-subj", subject],
    ]);
    writeFileSync(
      join(this.path, `${name}.ext`),
      names === undefined ? "" : `subjectAltName=${names}\n`,
    );
    const [begin, end] = validity ?? [];
    run(this.path, [
      ...["ca", "-batch", "-notext", "-config", from.config, "-in", from.request, "-preserveDN"],
      ...["-out", `${name}.crt`, "-extfile", `${name}.ext`],
      ...(begin === undefined || end === undefined
        ? ["-days", "2"]
        : ["-startdate", begin, "-enddate", end]),
    ]);
    return { cert: join(this.path, `${name}.crt`), key: join(this.path, `${name}.key`) };
  }

  [Symbol.dispose](): void {
    this.#directory[Symbol.dispose]();
  }
}

/** The PEM text of a certificate and its key. */
export function pemOf({ cert, key }: CertificateFiles): { cert: string; key: string } {
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}

function configuration(directory: string): string {
  return `[ca]
default_ca = test
[test]
dir = ${directory}
database = $dir/index.txt
serial = $dir/serial
new_certs_dir = $dir/new
certificate = $dir/ca.crt
private_key = $dir/ca.key
default_md = sha256
policy = any
unique_subject = no
[any]
`;
}

function run(directory: string, args: readonly string[]): void {
  const done = Bun.spawnSync(["openssl", ...args], { cwd: directory, stderr: "pipe" });
  if (done.exitCode !== 0) throw new Error(`openssl ${args[0]}: ${done.stderr.toString()}`);
}
