// TLS on the command line: the broker's flags, SIGHUP, and the options of the other commands.
import { expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { Authority, HAS_OPENSSL } from "../support/certificates.js";
import { tempDir } from "../support/tmp.js";
import { readUntil, run, spawn } from "./rustlog.js";

test.skipIf(!HAS_OPENSSL)("a broker with TLS, the commands that use it, and SIGHUP", async () => {
  using authority = new Authority();
  using directory = tempDir();
  const [cert, key] = [join(directory.path, "cert.pem"), join(directory.path, "key.pem")];
  const use = (names: string): void => {
    const files = authority.broker(names);
    copyFileSync(files.cert, cert);
    copyFileSync(files.key, key);
  };
  use("DNS:localhost");
  const broker = spawn([
    ...["broker", "--listen", "tls://127.0.0.1:0", "--data-dir", join(directory.path, "data")],
    ...["--tls-cert", cert, "--tls-key", key, "--metrics-port", "0", "--http-tls"],
  ]);
  const output = await readUntil(broker.stdout, (text) => text.includes("Data directory"));
  expect(output).toContain("TLS certificate: CN=localhost, valid until ");
  expect(output).toMatch(/^Metrics on https:\/\/127\.0\.0\.1:\d+\/metrics$/m);
  // Instead of the port without TLS, not beside it.
  const port = /^Broker started on tls:\/\/127\.0\.0\.1:(\d+)$/m.exec(output)![1]!;
  const at = { broker: `localhost:${port}` };
  const ca = ["--ca", authority.ca];
  expect(await run(["produce", "t", "x", ...ca], at)).toMatchObject({ exitCode: 0 });
  const insecure = await run(["consume", "t", "--insecure"], at);
  expect(insecure).toMatchObject({ exitCode: 0, stdout: "x\n" });
  expect(insecure.stderr).toStartWith("rustlog: WARNING: --insecure");
  const wrong = await run(["topics", "list", "--tls"], at);
  expect(wrong.exitCode).toBe(1);
  expect(wrong.stderr).toContain(`no TLS with localhost:${port}`);
  const plain = await run(["topics", "list"], at);
  expect(plain.exitCode).toBe(1);
  const missing = await run(["topics", "list", "--ca", "/nonexistent"], at);
  expect(missing.stderr).toStartWith("rustlog: --ca: /nonexistent can't be read");
  use("DNS:renewed.example");
  broker.kill("SIGHUP");
  await readUntil(broker.stdout, (text) => text.includes("TLS certificate loaded again"));
  const renewed = await run(["topics", "list", ...ca], at);
  expect(renewed.stderr).toContain("renewed.example");
  broker.kill("SIGTERM");
  expect(await broker.exited).toBe(0);
});
