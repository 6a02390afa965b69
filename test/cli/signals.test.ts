// Signals: what counts as a second one, and a closed terminal stops a broker cleanly.
import { expect, spyOn, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Interruption } from "../../src/cli/signals.js";
import { withTempDir } from "../support/tmp.js";
import { readRest, readUntil, spawn } from "./rustlog.js";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Runs `body` with an Interruption of this process and a controlled clock, and then removes its listeners. */
function withInterruption(body: (interruption: Interruption, clock: { ms: number }) => void): void {
  const before = new Map(SIGNALS.map((signal) => [signal, process.listeners(signal)]));
  const clock = { ms: 1000 };
  const exit = spyOn(process, "exit").mockImplementation((code) => {
    throw new Error(`exit ${code}`);
  });
  try {
    body(new Interruption(() => clock.ms), clock);
  } finally {
    exit.mockRestore();
    for (const signal of SIGNALS) {
      for (const listener of process.listeners(signal)) {
        if (!before.get(signal)?.includes(listener)) process.off(signal, listener);
      }
    }
  }
}

test("signals shortly after the first count as one request; a later one exits immediately", () => {
  withInterruption((interruption, clock) => {
    process.emit("SIGINT");
    clock.ms += 100;
    process.emit("SIGINT");
    expect(interruption.exitCode).toBe(130);
    clock.ms += 1000;
    expect(() => process.emit("SIGTERM")).toThrow("exit 143");
  });
});

test("repeated SIGHUP never exits immediately", () => {
  withInterruption((interruption, clock) => {
    process.emit("SIGHUP");
    clock.ms += 10_000;
    process.emit("SIGHUP");
    expect(interruption.exitCode).toBe(129);
  });
});

test.each(SIGNALS)("%s stops a broker cleanly", async (signal) => {
  await withTempDir(async (directory) => {
    const broker = spawn(["broker", "--port", "0", "--data-dir", directory]);
    await readUntil(broker.stdout, (text) => text.includes("Data directory: "));
    broker.kill(signal);
    expect(await readRest(broker.stdout)).toEndWith("Broker stopped\n");
    expect(await broker.exited).toBe(0);
  });
});

test("a broker stops cleanly when its terminal closes", async () => {
  await withTempDir(async (directory) => {
    let text = "";
    const started = Promise.withResolvers<void>();
    const main = `${import.meta.dir}/../../src/main.ts`;
    const args = ["broker", "--port", "0", "--data-dir", directory];
    const broker = Bun.spawn([process.execPath, main, ...args], {
      terminal: {
        data: (_terminal, bytes) => {
          text += new TextDecoder().decode(bytes);
          if (text.includes("Data directory: ")) started.resolve();
        },
      },
    });
    await started.promise;
    broker.terminal?.close();
    await broker.exited;
    expect(await Bun.file(`${directory}/clean-shutdown.json`).exists()).toBe(true);
  });
});

// /proc says whether a signal is ignored.
test.if(process.platform === "linux")("a broker that nohup started ignores SIGHUP", async () => {
  await withTempDir(async (directory) => {
    const main = `${import.meta.dir}/../../src/main.ts`;
    const args = [main, "broker", "--port", "0", "--data-dir", directory];
    const broker = Bun.spawn(["nohup", process.execPath, ...args], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
    await readUntil(broker.stdout, (text) => text.includes("Data directory: "));
    const status = readFileSync(`/proc/${broker.pid}/status`, "utf8");
    const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(status)?.[1];
    expect(Number.parseInt(ignored?.at(-1) ?? "", 16) & 1).toBe(1);
    broker.kill("SIGTERM");
    expect(await broker.exited).toBe(0);
  });
});
