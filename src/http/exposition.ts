// Prometheus' text format, version 0.0.4: families of samples, each under a HELP and a TYPE line.
// Leaves to others: the metrics (metrics-text.ts).
import { BUCKET_SECONDS, type Histogram } from "../net/histogram.js";

export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

type MetricType = "counter" | "gauge" | "histogram";

/** Labels as written between the braces of a sample: `topic="a",partition="0"`. */
export function labelsOf(labels: Readonly<Record<string, string | number>>): string {
  let text = "";
  for (const name in labels) text += `${text === "" ? "" : ","}${name}="${escaped(labels[name])}"`;
  return text;
}

function escaped(value: string | number | undefined): string {
  const text = String(value);
  if (!/["\\\n]/.test(text)) return text;
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

/** Builds the text family by family; finish a family before starting the next. The text is taken in parts. */
export class Exposition {
  #text = "";
  #family = "";

  family(name: string, type: MetricType, help: string): void {
    const oneLine = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
    this.#family = name;
    this.#text += `# HELP ${name} ${oneLine}\n# TYPE ${name} ${type}\n`;
  }

  /** Adds a sample to the family. `labels` comes from `labelsOf`, or is "". */
  sample(labels: string, value: number): void {
    this.#text +=
      labels === "" ? `${this.#family} ${value}\n` : `${this.#family}{${labels}} ${value}\n`;
  }

  histogram(labels: string, { counts, sumSeconds }: Histogram): void {
    const more = labels === "" ? "" : `${labels},`;
    const all = labels === "" ? "" : `{${labels}}`;
    let count = 0;
    for (const [i, inBucket] of counts.entries()) {
      count += inBucket;
      const le = BUCKET_SECONDS[i] ?? "+Inf";
      this.#text += `${this.#family}_bucket{${more}le="${le}"} ${count}\n`;
    }
    this.#text += `${this.#family}_sum${all} ${sumSeconds}\n${this.#family}_count${all} ${count}\n`;
  }

  /** Returns and clears the text added since the last call. */
  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }
}
