// A strict reader of the part of Prometheus' text format 0.0.4 that we write. It rejects more than a scraper does.
// Leaves to others: the expected samples.

/** A family of samples. */
export interface Family {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** By name and labels as written: `name{a="b"}`. */
  readonly samples: ReadonlyMap<string, number>;
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = `[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"`;
const SAMPLE = new RegExp(`^(${NAME})(\\{${LABEL}(?:,${LABEL})*\\})? (\\S+)$`);
const NUMBER = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/;

/** Parses families by name. Throws at the first invalid line. */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, Family>();
  const lines = text.slice(0, -1).split("\n");
  for (let i = 0; i < lines.length;) {
    const help = new RegExp(`^# HELP (${NAME}) (\\S.*)$`).exec(lines[i++] ?? "");
    const type = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram)$`).exec(lines[i++] ?? "");
    if (help === null || type === null || help[1] !== type[1]) {
      throw new Error(`line ${i - 1}: HELP and TYPE of one family are expected: ${lines[i - 2]}`);
    }
    const name = type[1] ?? "";
    if (families.has(name)) throw new Error(`line ${i}: ${name} is there twice`);
    const samples = new Map<string, number>();
    for (; i < lines.length && !lines[i]?.startsWith("#"); i++) {
      addSample(samples, name, type[2] ?? "", lines[i] ?? "");
    }
    if (type[2] === "histogram") checkHistograms(name, samples);
    if (type[2] === "counter" && !name.endsWith("_total")) throw new Error(`${name}: no _total`);
    families.set(name, { type: type[2] as Family["type"], help: help[2] ?? "", samples });
  }
  return families;
}

function addSample(samples: Map<string, number>, family: string, type: string, line: string): void {
  const [, name = "", labels = "", value = ""] = SAMPLE.exec(line) ?? [];
  const suffix = name.slice(family.length);
  const suffixes = type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
  if (!name.startsWith(family) || !suffixes.includes(suffix)) {
    throw new Error(`no sample of ${family}: ${line}`);
  }
  const labelNames = [...labels.matchAll(/([a-zA-Z_]\w*)="/g)].map(([, label]) => label);
  if (new Set(labelNames).size < labelNames.length) throw new Error(`a label twice: ${line}`);
  if (!NUMBER.test(value)) throw new Error(`no number: ${line}`);
  if (samples.has(name + labels)) throw new Error(`there twice: ${line}`);
  samples.set(name + labels, Number(value));
}

/** Checks each set of labels: bounds ascend, counts do not decrease, and the +Inf bucket equals the count. */
function checkHistograms(name: string, samples: ReadonlyMap<string, number>): void {
  const buckets = new Map<string, { le: number; count: number }[]>();
  for (const [key, count] of samples) {
    const [, labels = "", le = ""] = /_bucket\{(.*?),?le="([^"]+)"\}$/.exec(key) ?? [];
    if (le === "") continue;
    const row = buckets.get(labels) ?? [];
    row.push({ le: le === "+Inf" ? Infinity : Number(le), count });
    buckets.set(labels, row);
  }
  if (buckets.size === 0) throw new Error(`${name} has no buckets`);
  for (const [labels, row] of buckets) {
    for (const [i, { le, count }] of row.entries()) {
      const before = row[i - 1] ?? { le: -Infinity, count: 0 };
      if (!(le > before.le && count >= before.count)) throw new Error(`${name}: bucket ${le}`);
    }
    const braces = labels === "" ? "" : `{${labels}}`;
    const last = row.at(-1);
    const isWhole = last?.le === Infinity && last.count === samples.get(`${name}_count${braces}`);
    if (!isWhole) throw new Error(`${name}${braces}: +Inf is not the count`);
    if (!samples.has(`${name}_sum${braces}`)) throw new Error(`${name}${braces} has no sum`);
  }
}
