// docs/KAFKA.md against the table of APIs.
import { expect, test } from "bun:test";
import { KAFKA_API_NAMES, KAFKA_APIS } from "../../../src/protocol/kafka/apis.js";
import { textOf } from "../../tree/source-tree.js";
import { table } from "../document.js";

test("docs/KAFKA.md lists every API that is served with its versions, and no other", () => {
  const documented = table(textOf("docs/KAFKA.md"), "key").map(
    ({ key, API, versions }) => `| ${key} | ${API} | ${versions} |`,
  );
  const served = KAFKA_API_NAMES.map((name) => {
    const { key, min, max } = KAFKA_APIS[name];
    return `| ${key} | ${name} | ${min === max ? min : `${min}-${max}`} |`;
  });
  expect(documented).toEqual(served);
});
