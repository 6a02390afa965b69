// Fuzzes the port of the compiled broker: bun run test:fuzz --cases 1000000 --seed 1; with --logins, one that requires a
// login, as clients that have none.
// Leaves to others: the cases and what is expected (system/fuzz-port.ts, system/fuzz-logins.ts).
import { join } from "node:path";
import { BrokerProcess } from "./support/binary.js";
import { type LongRun, runLong } from "./support/long-run.js";
import { tempDir } from "./support/tmp.js";
import { tokenIssuer } from "./support/tokens.js";
import { fuzzLogins, USER } from "./system/fuzz-logins.js";
import { fuzzPort } from "./system/fuzz-port.js";
import { formatRounds } from "./system/good-client.js";

/** Failed logins wait for up to 3.2 s each. */
const LOGINS_AT_ONCE = 400;

await runLong({ count: "cases", countDefault: 1_000_000, switches: ["logins"] }, (run) =>
  run.switches.has("logins") ? fuzzOfLogins(run) : fuzzOfPort(run),
);

async function fuzzOfPort({ count, seed, progress }: LongRun): Promise<string> {
  using directory = tempDir();
  await using broker = await BrokerProcess.start(directory.path, "--flush", "never");
  const summary = await fuzzPort(broker, { cases: count, seed, progress });
  const { before, tenths, max } = summary.rssAnonMiB;
  return (
    `${count} cases; the good clients did ${summary.native.rounds} rounds over the native protocol, ` +
    `${formatRounds(summary.native.roundsMs)}, and ${summary.kafka.rounds} over Kafka's, ` +
    `${formatRounds(summary.kafka.roundsMs)}; RssAnon ${before.toFixed(0)} MiB before, after each tenth ` +
    `${tenths.map((mebibytes) => mebibytes.toFixed(0)).join(" ")}, ${max.toFixed(0)} at most`
  );
}

async function fuzzOfLogins({ count, seed, progress }: LongRun): Promise<string> {
  using directory = tempDir();
  const issuer = await tokenIssuer();
  const jwks = join(directory.path, "jwks.json");
  await Bun.write(jwks, issuer.jwks);
  const admin = join(directory.path, "admin");
  await Bun.write(admin, `${USER.username}:${USER.password}\n`);
  await using broker = await BrokerProcess.start(
    join(directory.path, "data"),
    ...["--flush", "never", "--bootstrap-admin-file", admin, "--oauth-jwks", jwks],
  );
  const exp = Math.floor(Date.now() / 1_000) + 86_400;
  const token = await issuer.token({ sub: USER.username, exp });
  const before = broker.rssAnonMiB;
  const tenths: number[] = [];
  const { logins, loginsMs } = await fuzzLogins(
    { port: broker.port, token },
    {
      ...{ cases: count, seed, atOnce: LOGINS_AT_ONCE },
      tenth: (done) => {
        tenths.push(broker.rssAnonMiB);
        progress(done, `RssAnon ${broker.rssAnonMiB.toFixed(0)} MiB`);
      },
    },
  );
  const bugs = broker.reports.filter((line) => /\bbug\b|fatal/.test(line));
  if (bugs.length > 0) throw new Error(`the broker reports: ${bugs.slice(0, 5).join("\n")}`);
  return (
    `${count} cases; a good client logged in ${logins} times in each protocol, ${formatRounds(loginsMs)}; RssAnon ` +
    `${before.toFixed(0)} MiB before, after each tenth ${tenths.map((mebibytes) => mebibytes.toFixed(0)).join(" ")}`
  );
}
