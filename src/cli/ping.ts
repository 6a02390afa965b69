// `rustlog ping`: whether a broker answers, and how fast.
// Leaves to others: the round trip (client/client.ts).
import { InvalidArgumentError, Option } from "@commander-js/extra-typings";
import type { Client } from "../client/client.js";
import { CLIENT_WAIT_MS_MAX } from "../limits.js";
import { newClientCommand, withClient } from "./connection.js";
import { parseDuration } from "./duration.js";
import { wholeNumber } from "./numbers.js";
import { jsonOption } from "./options.js";
import { writeJson, writeLines } from "./output.js";
import { writeNotes } from "./quiet.js";
import { Interruption } from "./signals.js";

const EXAMPLES = `
  rustlog ping
  rustlog ping --count 60 --interval 1s
  rustlog ping --count 1 --timeout 2s --quiet || echo "the broker does not answer"`;

export function pingCommand() {
  return newClientCommand(
    "ping",
    "Measure round trips to a broker; exits with 1 if it does not answer",
    EXAMPLES,
  )
    .option("-n, --count <n>", "number of round trips", wholeNumber(1), 5)
    .addOption(
      new Option("-i, --interval <duration>", "pause between two of them")
        .default(0, "none")
        .argParser(waitTime),
    )
    .addOption(
      new Option("--timeout <duration>", "time to wait for the connection, and for each answer")
        .default(5_000, "5s")
        .argParser(timeout),
    )
    .addOption(jsonOption())
    .action(async ({ count, interval, timeout, json = false, ...flags }) => {
      const startedMs = performance.now();
      const settings = { connectTimeoutMs: timeout, requestTimeoutMs: timeout, retries: 0 };
      await withClient(
        flags,
        async (client) => {
          const connectMs = performance.now() - startedMs;
          const { brokerVersion } = client.admin().brokerInfo();
          const where = `${client.broker} (version ${brokerVersion})`;
          if (!json) await writeNotes(`${where}: connected in ${format(connectMs)}`);
          const roundTripsMs = await pings(client, { count, interval, isPrinting: !json });
          const report = reportOf(roundTripsMs);
          if (json) {
            const broker = { broker: client.broker, version: brokerVersion };
            await writeJson({ ...broker, connectMs, roundTripsMs, ...report });
          } else await writeLines(summaryOf(roundTripsMs.length, report));
        },
        settings,
      );
    });
}

function waitTime(text: string): number {
  const ms = parseDuration(text);
  if (ms <= CLIENT_WAIT_MS_MAX) return ms;
  throw new InvalidArgumentError("Expected a duration of at most one day.");
}

function timeout(text: string): number {
  const ms = waitTime(text);
  if (ms > 0) return ms;
  throw new InvalidArgumentError("Expected a duration from 1ms to one day.");
}

/** Round trips one after another, in milliseconds. A signal ends them with the process. */
async function pings(
  client: Client,
  plan: { readonly count: number; readonly interval: number; readonly isPrinting: boolean },
): Promise<number[]> {
  const interruption = new Interruption();
  const roundTripsMs: number[] = [];
  while (roundTripsMs.length < plan.count) {
    const wait = roundTripsMs.length === 0 ? 0 : plan.interval;
    if (wait > 0) await interruption.orResult(Bun.sleep(wait));
    const sentMs = performance.now();
    await interruption.orResult(client.ping());
    if (interruption.exitCode !== undefined) {
      if (plan.isPrinting && roundTripsMs.length > 0) {
        await writeLines(summaryOf(roundTripsMs.length, reportOf(roundTripsMs)));
      }
      process.exit(interruption.exitCode);
    }
    const ms = performance.now() - sentMs;
    roundTripsMs.push(ms);
    if (plan.isPrinting) await writeNotes(`round trip ${roundTripsMs.length}: ${format(ms)}`);
  }
  return roundTripsMs;
}

interface Report {
  readonly minMs: number;
  readonly meanMs: number;
  readonly maxMs: number;
}

function reportOf(roundTripsMs: readonly number[]): Report {
  const sum = roundTripsMs.reduce((total, ms) => total + ms, 0);
  let [minMs, maxMs] = [Number.POSITIVE_INFINITY, 0];
  for (const ms of roundTripsMs) [minMs, maxMs] = [Math.min(minMs, ms), Math.max(maxMs, ms)];
  return { minMs, meanMs: sum / roundTripsMs.length, maxMs };
}

function summaryOf(count: number, { minMs, meanMs, maxMs }: Report): string {
  const trips = count === 1 ? "1 round trip" : `${count} round trips`;
  return `${trips}: min ${format(minMs)}, mean ${format(meanMs)}, max ${format(maxMs)}`;
}

function format(ms: number): string {
  return `${ms.toFixed(2)} ms`;
}
