import { expect, test } from "bun:test";
import { join } from "node:path";
import { connect } from "../../src/client/client.js";
import { startBroker } from "../support/broker.js";
import { tempDir } from "../support/tmp.js";
import { tokenIssuer } from "../support/tokens.js";
import { fuzzLogins, USER } from "../system/fuzz-logins.js";

test("a fuzz of logins: nothing is a bug, and others can log in", async () => {
  using directory = tempDir();
  const issuer = await tokenIssuer();
  const jwks = join(directory.path, "jwks.json");
  await Bun.write(jwks, issuer.jwks);
  const bootstrapAdminFile = join(directory.path, "admin");
  await Bun.write(bootstrapAdminFile, `${USER.username}:${USER.password}\n`);
  await using running = await startBroker({
    ...{ bootstrapAdminFile, flush: { kind: "never" } },
    oauth: { jwks, issuer: "https://issuer", audience: ["rustlog"] },
  });
  const { broker, lines } = running;
  // A failure would wait for up to 3.2 s.
  broker.context.security.failedLogins.delayMs = () => 1;
  const token = await issuer.token({ sub: USER.username });
  await fuzzLogins({ port: broker.port, token }, { cases: 200, seed: 5, atOnce: 20 });
  expect(lines.filter((line) => /\bbug\b|fatal/.test(line))).toEqual([]);
  // Nothing of the attack is left.
  await using client = await connect({ broker: broker.address, sasl: USER });
  await client.ping();
  expect(broker.inflight.workingBytes).toBe(0);
});
