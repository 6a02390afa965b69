import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { AuditFile } from "../../src/broker/audit-file.js";
import { AuditLog, type AuditSink } from "../../src/broker/audit-log.js";
import { connect } from "../../src/client/client.js";
import { metricsText } from "../../src/http/metrics-text.js";
import { startBroker } from "../support/broker.js";
import { tempDir } from "../support/tmp.js";

interface Event {
  readonly [field: string]: unknown;
  readonly leftOut?: number;
}

/** An audit log whose windows end when the test says so, and its events. */
function auditLog(isJson = true): {
  audit: AuditLog;
  lines: string[];
  events(): Event[];
  endWindows(): void;
} {
  const lines: string[] = [];
  let ends: (() => void)[] = [];
  const sink: AuditSink = { isJson, line: (line) => lines.push(line) };
  const audit = new AuditLog({
    ...{ sink, isEnabled: () => true, mechanisms: () => ["PLAIN"], now: () => 0 },
    schedule: (call) => {
      ends.push(call);
      return () => {};
    },
  });
  return {
    audit,
    lines,
    events: () => lines.map((line) => JSON.parse(line) as Event),
    endWindows() {
      for (const end of ends.splice(0)) end();
      ends = [];
    },
  };
}

const ANN = { principal: "User:ann", host: "10.0.0.1" } as const;

test("an event has one line in a minute, and a count", () => {
  const { audit, events, endWindows } = auditLog();
  for (let i = 0; i < 1_000; i++) audit.denied(ANN, "READ", "TOPIC", "secret");
  const denied = {
    ...{ time: "1970-01-01T00:00:00.000Z", event: "denied", ...ANN },
    ...{ operation: "READ", resourceType: "TOPIC", name: "secret" },
  };
  expect(events()).toEqual([denied]);
  endWindows();
  expect(events()).toEqual([denied, { ...denied, repeated: 999 }]);
  audit.denied(ANN, "READ", "TOPIC", "secret");
  expect(events()).toHaveLength(3);
});

test("a caller that causes many events hides those of nobody else, and they are counted", () => {
  const { audit, events, endWindows } = auditLog();
  for (let i = 0; i < 10_000; i++) audit.denied(ANN, "READ", "TOPIC", `guess-${i}`);
  const eve = { principal: "User:eve", host: "10.0.0.2" } as const;
  audit.denied(eve, "DELETE", "TOPIC", "secret");
  endWindows();
  expect(events().filter(({ principal }) => principal === "User:ann")).toHaveLength(21);
  expect(events().at(-1)).toMatchObject({ ...ANN, leftOut: 9_980 });
  expect(events().find(({ name }) => name === "secret")).toMatchObject(eve);
});

test("many callers together have a bounded number of lines, and all is counted", () => {
  const { audit, events, endWindows } = auditLog();
  const failures = 5_000;
  for (let i = 0; i < failures; i++) {
    const host = `10.0.${i >> 8}.${i & 255}`;
    audit.loginFailed({ host, mechanism: "PLAIN", user: undefined, reason: "wrong" });
  }
  endWindows();
  const leftOut = events().reduce((sum, it) => sum + (it.leftOut ?? 0), 0);
  const written = events().filter((it) => it.leftOut === undefined).length;
  expect(written).toBe(200);
  expect(written + leftOut).toBe(failures);
  expect(audit.counters.failedLogins.get("PLAIN")).toBe(failures);
});

test("what a client chooses is escaped and shortened", () => {
  const { audit, lines } = auditLog(false);
  audit.denied(ANN, "READ", "TOPIC", `x\n\x1b[2J" host=10.9.9.9 ${"y".repeat(500)}`);
  audit.loginFailed({ host: "::1", mechanism: "GSSAPI\n", user: undefined, reason: "no" });
  expect(lines).toHaveLength(2);
  expect(lines[0]).toStartWith(
    'audit: denied: principal=User:ann host=10.0.0.1 operation=READ resourceType=TOPIC name="x\\n\\u001b[2J\\" host=10.9.9.9 yyy',
  );
  expect(lines[0]!.length).toBeLessThan(400);
  expect(lines[1]).toBe("audit: login failed: host=::1 mechanism=other reason=no");
  expect([...audit.counters.failedLogins]).toEqual([["other", 1]]);
});

test("the file can be rotated at any time, and is readable only by the owner", () => {
  using directory = tempDir();
  const path = join(directory.path, "audit.log");
  const reports: string[] = [];
  const file = new AuditFile(path, (line) => reports.push(line));
  file.line("one");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  renameSync(path, `${path}.1`);
  file.line("two");
  expect(readFileSync(`${path}.1`, "utf8")).toBe("one\n");
  expect(readFileSync(path, "utf8")).toBe("two\n");
  renameSync(path, `${path}.2`);
  mkdirSync(path);
  file.line("three");
  expect(reports[0]).toContain("a line could not be written");
  renameSync(path, `${path}.3`);
  file.line("four");
  file.close();
  const [lost, four] = readFileSync(path, "utf8").split("\n");
  expect(JSON.parse(lost!)).toMatchObject({ event: "lost", lines: 1 });
  expect(four).toBe("four");
  expect(() => new AuditFile(directory.path, () => {})).toThrow("--audit-log");
});

test("logins, refusals and changes of a broker are in its audit log, and counted", async () => {
  using directory = tempDir();
  const bootstrapAdminFile = join(directory.path, "admin");
  await Bun.write(bootstrapAdminFile, "root:s3cret\n");
  const auditLogPath = join(directory.path, "audit.log");
  const dataDir = join(directory.path, "data");
  await using running = await startBroker({ dataDir, bootstrapAdminFile, auditLog: auditLogPath });
  const { address } = running.broker;
  await using root = await connect({
    broker: address,
    sasl: { username: "root", password: "s3cret" },
  });
  const admin = root.admin();
  await admin.createTopic("orders", { partitions: 2 });
  await admin.alterTopic("orders", { settings: { "retention.ms": "1000" } });
  await admin.alterTopic("orders", { partitions: 3 });
  await admin.deleteRecords([{ topic: "orders", partition: 0, offset: 0 }]);
  await admin.setPassword("ann", "pa55word");
  const wrong = { username: "ann", password: "not-it" };
  const failed = connect({ broker: address, sasl: wrong });
  expect(failed).rejects.toThrow("Authentication failed");
  await failed.catch(() => {});
  await using ann = await connect({ broker: address, sasl: { ...wrong, password: "pa55word" } });
  await ann
    .admin()
    .describeTopic("orders")
    .catch(() => {});
  await admin.deleteUser("ann");
  await admin.deleteTopic("orders");
  await running.broker.stop();
  const events = readFileSync(auditLogPath, "utf8").trim().split("\n");
  const found = events.map((line) => JSON.parse(line) as Event);
  const told = found.map(({ event, action, principal, user, name }) =>
    [event, action, principal, user, name].filter((it) => it !== undefined).join(" "),
  );
  expect(told.filter((it) => !it.startsWith("login User:root"))).toEqual([
    "change user-set User:ANONYMOUS root",
    "change topic-created User:root",
    "change topic-altered User:root",
    "change topic-altered User:root",
    "change topic-trimmed User:root",
    "change user-set User:root ann",
    "change user-set User:root ann",
    "login-failed ann",
    "login User:ann",
    "denied User:ann orders",
    "change user-deleted User:root ann",
    "change topic-deleted User:root",
  ]);
  const metrics = (await Array.fromAsync(metricsText(running.broker))).join("");
  expect(metrics).toContain('rustlog_failed_logins_total{mechanism="SCRAM-SHA-256"} 1\n');
  expect(metrics).toContain('rustlog_failed_logins_total{mechanism="other"} 0\n');
  expect(metrics).toContain('rustlog_denied_total{operation="DESCRIBE",resource="TOPIC"} 1\n');
});
