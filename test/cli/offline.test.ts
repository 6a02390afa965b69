// How the command line shows a partition that can't be opened.
import { expect, test } from "bun:test";
import { startBroker } from "../support/broker.js";
import { makeOfflinePartition } from "../support/offline.js";
import { withTempDir } from "../support/tmp.js";
import { run } from "./rustlog.js";

test("topics list and describe show why a partition is offline, and a produce to it fails with that reason", () =>
  withTempDir(async (dataDir) => {
    await makeOfflinePartition(dataDir);
    await using running = await startBroker({ dataDir });
    const broker = running.broker.address;
    const list = await run(["topics", "list"], { broker });
    expect(list.stdout).toMatch(/^TOPIC +PARTITIONS +OFFLINE\nt +2 +1\n$/);
    const described = await run(["topics", "describe", "t"], { broker });
    expect(described.stdout).toMatch(/\nPartition 0 is offline: .*\/topics\/t\/0\//);
    expect(described.stdout).toMatch(/\n +0 +offline\n +1 +0 +1 +1 +1 +\d+\n$/);
    const json = await run(["topics", "describe", "t", "--json"], { broker });
    const { partitions } = JSON.parse(json.stdout);
    expect(partitions[0].offline).toContain(`${dataDir}/topics/t/0/`);
    expect(partitions[1].offline).toBeUndefined();
    const produced = await run(["produce", "t", "-p", "0", "x"], { broker });
    expect(produced.exitCode).toBe(1);
    expect(produced.stderr).toContain("t-0 is offline: ");
    expect((await run(["produce", "t", "-p", "1", "x"], { broker })).exitCode).toBe(0);
  }));
