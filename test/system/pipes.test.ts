// The compiled executable with pipes that are closed by the other side, under Ctrl-C, and without a temporary directory.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Broker } from "../../src/broker/broker.js";
import { runScript } from "../support/binary.js";
import { tempDir } from "../support/tmp.js";

let directory: ReturnType<typeof tempDir>;
let broker: Broker;
beforeAll(async () => {
  directory = tempDir();
  const quiet = { flush: { kind: "never" }, log: () => {} } as const;
  broker = await Broker.start({ dataDir: directory.path, port: 0, ...quiet });
});
afterAll(async () => {
  await broker.stop();
  directory[Symbol.dispose]();
});

describe("consume | head -1", () => {
  test("ends silently when head has exited, also while it follows", async () => {
    const { stdout, stderr } = await runScript(
      `seq 1 200000 | $RUSTLOG produce many && $RUSTLOG consume many | head -1
       echo "status \${PIPESTATUS[0]}"
       ( $RUSTLOG consume many --follow; echo "followed $?" >&2 ) | head -2`,
      broker.address,
    );
    expect(stdout).toMatch(/^1\nstatus (0|141)\n1\n2\n$/m);
    expect(stderr).toMatch(/followed (0|141)\n$/);
    expect(stderr).not.toMatch(/error|EPIPE|at </i);
  }, 60_000);
});

test("the executable has every codec, and reads without a temporary directory", async () => {
  const { stdout, stderr } = await runScript(
    `for codec in snappy lz4; do
       seq 1 5 | $RUSTLOG produce $codec -z $codec 2>/dev/null
       export TMPDIR=/nonexistent BUN_TMPDIR=/nonexistent
       $RUSTLOG consume $codec | tr '\\n' ' '
       echo x | $RUSTLOG produce $codec -z $codec
       unset TMPDIR BUN_TMPDIR
     done`,
    broker.address,
  );
  expect(stdout).toBe("1 2 3 4 5 1 2 3 4 5 ");
  expect(stderr).toContain("the library that compresses with lz4 can't be loaded");
}, 60_000);

describe("produce", () => {
  test("with stdin closed reports no records, and ends", async () => {
    const { exitCode, stderr } = await runScript("$RUSTLOG produce empty <&-", broker.address);
    expect([exitCode, stderr.includes("at <")]).toEqual([exitCode === 0 ? 0 : 1, false]);
  }, 60_000);

  test.each([
    ["INT", 130],
    ["TERM", 143],
    ["HUP", 129],
  ])(
    "that SIG%s cuts short says what was acknowledged, and exactly that is there",
    async (signal, code) => {
      const { stdout, stderr } = await runScript(
        `mkfifo "$PWD/SIG" && exec 3<>"$PWD/SIG"
       $RUSTLOG produce cutSIG <"$PWD/SIG" & child=$!
       seq 1 5000 >&3
       until [ "$($RUSTLOG topics describe cutSIG 2>/dev/null | grep -c 5000)" -gt 0 ]; do :; done
       kill -SIG $child; wait $child; echo "status $?"
       $RUSTLOG consume cutSIG | wc -l`
          .replaceAll("$PWD", directory.path)
          .replaceAll("SIG", signal),
        broker.address,
      );
      expect(stdout).toBe(`status ${code}\n5000\n`);
      expect(stderr).toContain("Acknowledged 5,000 records");
    },
    60_000,
  );
});
