import { describe, expect, test } from "bun:test";
import { Histogram } from "../../src/net/histogram.js";
import { Exposition, labelsOf } from "../../src/http/exposition.js";
import { parseExposition } from "../support/prometheus.js";

test("families, samples and histograms are written byte for byte", () => {
  const histogram = new Histogram();
  for (const ms of [0.0625, 0.125, 3, 60_000]) histogram.observe(ms);
  const text = new Exposition();
  text.family("requests_total", "counter", "Two\nlines \\ one.");
  text.sample("", 3);
  text.sample(labelsOf({ api: "Fetch", partition: 0 }), 1e21);
  text.family("duration_seconds", "histogram", "Time.");
  text.histogram(labelsOf({ api: "Fetch" }), histogram);
  const written = text.take();
  expect(written.split("\n")).toEqual([
    "# HELP requests_total Two\\nlines \\\\ one.",
    "# TYPE requests_total counter",
    "requests_total 3",
    'requests_total{api="Fetch",partition="0"} 1e+21',
    "# HELP duration_seconds Time.",
    "# TYPE duration_seconds histogram",
    'duration_seconds_bucket{api="Fetch",le="0.0001"} 1',
    'duration_seconds_bucket{api="Fetch",le="0.00025"} 2',
    'duration_seconds_bucket{api="Fetch",le="0.0005"} 2',
    'duration_seconds_bucket{api="Fetch",le="0.001"} 2',
    'duration_seconds_bucket{api="Fetch",le="0.0025"} 2',
    ...["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10"].map(
      (le) => `duration_seconds_bucket{api="Fetch",le="${le}"} 3`,
    ),
    'duration_seconds_bucket{api="Fetch",le="+Inf"} 4',
    'duration_seconds_sum{api="Fetch"} 60.0031875',
    'duration_seconds_count{api="Fetch"} 4',
    "",
  ]);
  expect([...parseExposition(written).keys()]).toEqual(["requests_total", "duration_seconds"]);
});

test("label values are escaped", () => {
  expect(labelsOf({ group: 'a"b\\c\nd\\n' })).toBe('group="a\\"b\\\\c\\nd\\\\n"');
});

describe("this test's parser rejects", () => {
  const head = "# HELP a_total A.\n# TYPE a_total counter\n";
  const buckets = "# HELP h H.\n# TYPE h histogram\n";
  test.each([
    ["a family twice", `${head}a_total 1\n${head}a_total 2\n`],
    ["a sample twice", `${head}a_total 1\na_total 2\n`],
    ["a sample of another family", `${head}b_total 1\n`],
    ["a type without help", "# TYPE a_total counter\na_total 1\n"],
    ["a label that is not escaped", `${head}a_total{l="a"b"} 1\n`],
    ["a label twice", `${head}a_total{l="a",l="b"} 1\n`],
    ["no number", `${head}a_total NaN1\n`],
    ["a line that does not end", `${head}a_total 1`],
    [
      "falling buckets",
      `${buckets}h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`,
    ],
    ["no +Inf", `${buckets}h_bucket{le="1"} 2\nh_sum 1\nh_count 2\n`],
    ["another count", `${buckets}h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n`],
    ["no sum", `${buckets}h_bucket{le="+Inf"} 1\nh_count 1\n`],
  ])("%s", (_, text) => {
    expect(() => parseExposition(text)).toThrow();
  });
});
