// The clients that docs/KAFKA.md lists are those of `bun run test:kafka`, in the versions that it fetches.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CLIENTS_DIR } from "../../kafka/install.js";
import { CLIENTS } from "../../kafka/table.js";
import { textOf } from "../../tree/source-tree.js";

const DOCUMENT = textOf("docs/KAFKA.md").split("## Clients that are tested\n")[1] ?? "";

/** The row of a client: its version. */
function versionOf(client: string): string {
  return new RegExp(`^\\| \`${client}\` \\| ([\\d.]+)`, "m").exec(DOCUMENT)?.[1] ?? "";
}

/** The first group of a pattern in a manifest. */
function found(file: string, pattern: RegExp): string {
  return pattern.exec(readFileSync(join(CLIENTS_DIR, file), "utf8"))?.[1] ?? "none";
}

test("docs/KAFKA.md lists every client", () => {
  const listed = [...DOCUMENT.matchAll(/^\| `([\w.-]+)` \|/gm)].map(([, name]) => name ?? "");
  expect(listed).toEqual([...Object.keys(CLIENTS), "kafka-tools", "kafka-connect", "mirror-maker"]);
});

test("docs/KAFKA.md has the versions of the manifests", () => {
  const manifest = JSON.parse(textOf("package.json")).devDependencies;
  const go = (module: string): string => found("go/go.mod", new RegExp(`${module} v([\\d.]+)`));
  const pip = (file: string): string => found(`python/${file}.txt`, /^[\w-]+==([\d.]+)/);
  const java = found("java/pom.xml", /<kafka.version>([\d.]+)</);
  const connect = found("connect/pom.xml", /<kafka.version>([\d.]+)</);
  const versions = {
    java,
    "kafka-tools": java,
    "kafka-connect": connect,
    "mirror-maker": connect,
    "franz-go": go("twmb/franz-go"),
    sarama: go("IBM/sarama"),
    "sarama-2.1": go("IBM/sarama"),
    "kafka-go": go("segmentio/kafka-go"),
    "confluent-python": pip("confluent"),
    "kafka-python": pip("kafka_python"),
    aiokafka: pip("aio"),
    kafkajs: manifest.kafkajs,
    platformatic: manifest["@platformatic/kafka"],
  };
  for (const [client, version] of Object.entries(versions)) {
    expect(`${client} ${versionOf(client)}`).toBe(`${client} ${version}`);
  }
});
