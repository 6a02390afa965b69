// A good client in its own process, so that the work of the others does not count as the broker's time.
// As a program it runs until its stdin ends, and then prints the durations of its rounds.
// Leaves to others: the rounds (good-client.ts).
import { goodClient, type RoundsMs } from "./good-client.js";

/** A good client in another process. */
export interface GoodClientProcess {
  /** Rejects when it fails; never resolves. */
  readonly failed: Promise<never>;
  /** Ends it; resolves with the durations of its rounds. */
  stop(): Promise<RoundsMs>;
}

/** Starts a good client with its own topic; resolves once it runs. */
export async function startGoodClient(broker: string, topic: string): Promise<GoodClientProcess> {
  const child = Bun.spawn([process.execPath, import.meta.path, broker, topic], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = child.stdout.getReader();
  const read = async (): Promise<string> => {
    const { value, done } = await output.read();
    if (done) throw new Error("the good client failed");
    return new TextDecoder().decode(value);
  };
  await read();
  const result = read();
  const failed = result.then(
    () => new Promise<never>(() => {}),
    (error: unknown) => Promise.reject(error),
  );
  failed.catch(() => {});
  return {
    failed,
    async stop() {
      await child.stdin.end();
      const rounds: RoundsMs = JSON.parse(await result);
      await child.exited;
      return rounds;
    },
  };
}

if (import.meta.main) {
  const [broker = "", topic = ""] = process.argv.slice(2);
  const good = await goodClient(broker, topic);
  good.failed.catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
  await good.progress(1);
  console.log("at work");
  await Bun.stdin.text();
  await good.stop();
  console.log(JSON.stringify(good.roundsMs));
  process.exit(0);
}
