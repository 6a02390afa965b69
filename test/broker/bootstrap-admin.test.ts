import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../src/client/client.js";
import { startBroker } from "../support/broker.js";
import { tempDir } from "../support/tmp.js";

test("a broker gets its first administrator from a file, once", async () => {
  using directory = tempDir();
  const dataDir = join(directory.path, "data");
  const bootstrapAdminFile = join(directory.path, "admin");
  writeFileSync(bootstrapAdminFile, "root:s3:cret\n");
  const sasl = { username: "root", password: "s3:cret" };
  {
    await using running = await startBroker({ dataDir, bootstrapAdminFile });
    expect(running.lines.join()).toContain("added the administrator 'root'");
    expect(running.lines.join()).not.toContain("s3");
    await using client = await connect({ broker: running.broker.address, sasl });
    await client.admin().createTopic("orders");
  }
  writeFileSync(bootstrapAdminFile, "eve:other\n");
  await using again = await startBroker({ dataDir, bootstrapAdminFile });
  await using client = await connect({ broker: again.broker.address, sasl });
  expect(await client.admin().listUsers()).toMatchObject([{ name: "root" }]);
});

test.each(["", "root", "root:", ":s3cret"])("a first line %p is refused", async (line) => {
  using directory = tempDir();
  const bootstrapAdminFile = join(directory.path, "admin");
  writeFileSync(bootstrapAdminFile, `${line}\n`);
  const dataDir = join(directory.path, "data");
  expect(startBroker({ dataDir, bootstrapAdminFile })).rejects.toThrow("is not NAME:PASSWORD");
});
