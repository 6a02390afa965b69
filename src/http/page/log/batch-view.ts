// One batch: a list of its records, and its bytes with the name and meaning of each field. Selecting a record
// highlights its bytes. Leaves to others: the fields (inspection/batch-fields.ts).
import { button, element, failure } from "../parts/dom.js";
import { countOf, formatBytes, formatCount } from "../parts/format.js";
import type { BatchDump, DumpRow } from "./log-wire.js";

const BYTES_PER_LINE = 8;

/** Characters of a key or a value in the list of records. */
const PREVIEW_LENGTH = 60;

type Field = Extract<DumpRow, { name: string }>;

interface BatchViewHost {
  /** Fetches the fields starting with a row. */
  ask(from: number): Promise<BatchDump>;
  /** Where a record is shown in full. */
  recordHref(offset: number): string;
}

export class BatchView {
  readonly root = element("section", { class: "batch", "aria-label": "Batch" });
  readonly #host: BatchViewHost;
  readonly #records = element("ol", { class: "records" });
  readonly #bytes = element("tbody");
  #record: HTMLElement | undefined;
  #summary: { key: string; value: string; offset: string } | undefined;

  constructor(host: BatchViewHost) {
    this.#host = host;
  }

  /** Fetches and shows the first rows. */
  async load(): Promise<void> {
    try {
      const dump = await this.#host.ask(0);
      const { batch } = dump;
      const name = `Batch at ${formatCount(batch.position)}: ${countOf(batch.count, "record")}, ${formatBytes(batch.bytes)}`;
      const head = ["position", "bytes", "field", "meaning"];
      this.root.replaceChildren(
        element("h3", {}, name),
        this.#records,
        element(
          "div",
          { class: "dump", tabindex: 0, role: "region", "aria-label": "Bytes" },
          element(
            "table",
            {},
            element("caption", {}, "Bytes of the batch"),
            element(
              "thead",
              {},
              element("tr", {}, ...head.map((each) => element("th", { scope: "col" }, each))),
            ),
            this.#bytes,
          ),
        ),
      );
      this.#add(dump);
    } catch (error) {
      this.root.replaceChildren(failure(error));
    }
  }

  #add({ rows, next }: BatchDump): void {
    for (const row of rows) {
      if ("heading" in row) this.#addHeading(row.heading, row.isBroken);
      else this.#addField(row);
    }
    this.#writeRecord();
    if (next === null) return;
    const more = button("More fields", () => {
      more.remove();
      this.#host.ask(next).then(
        (dump) => this.#add(dump),
        (error: unknown) => this.root.append(failure(error)),
      );
    });
    this.root.append(more);
  }

  #addHeading(text: string, isBroken: boolean): void {
    const line = element(
      "tr",
      { class: isBroken ? "heading broken" : "heading" },
      element("th", { colspan: 4, scope: "rowgroup" }, text),
    );
    this.#bytes.append(line);
    if (isBroken || !/^record \d+$/.test(text)) return;
    this.#writeRecord();
    this.#summary = { key: "", value: "", offset: "" };
    const opener = button(text, () => this.#choose(opener, line));
    this.#record = opener;
    this.#records.append(element("li", {}, opener));
  }

  #choose(opener: HTMLElement, line: HTMLElement): void {
    for (const marked of this.root.querySelectorAll("[aria-current]"))
      marked.removeAttribute("aria-current");
    opener.setAttribute("aria-current", "true");
    for (let row: Element | null = line; row !== null; row = row.nextElementSibling) {
      if (row !== line && row.classList.contains("heading")) break;
      row.setAttribute("aria-current", "true");
    }
    // Scroll only the dump, not the page.
    const dump = line.closest(".dump");
    if (dump !== null) dump.scrollTop = line.offsetTop - 40;
  }

  #addField(field: Field): void {
    const { position, bytes, hex, name, text, role } = field;
    if (this.#summary !== undefined) {
      if (name === "key" || name === "value") this.#summary[name] = textOf(hex, PREVIEW_LENGTH);
      const offset = name === "offsetDelta" ? /offset (\d+)/.exec(text ?? "")?.[1] : undefined;
      if (offset !== undefined) this.#summary.offset = offset;
    }
    const shown = hex.length / 2;
    for (let from = 0; from === 0 || from < shown; from += BYTES_PER_LINE) {
      const part = hex.slice(from * 2, (from + BYTES_PER_LINE) * 2);
      const isFirst = from === 0;
      this.#bytes.append(
        element(
          "tr",
          { class: `role-${role}` },
          element("td", { class: "at" }, (position + from).toString(16).padStart(8, "0")),
          element("td", { class: "hex" }, part.match(/../g)?.join(" ") ?? ""),
          element("td", {}, isFirst ? name : ""),
          element(
            "td",
            { class: "says" },
            text === null ? textOf(part, BYTES_PER_LINE) : isFirst ? text : "",
          ),
        ),
      );
    }
    if (bytes <= shown) return;
    const rest = `… ${formatBytes(bytes - shown)} more`;
    this.#bytes.append(element("tr", {}, element("td"), element("td", { colspan: 3 }, rest)));
  }

  /** Adds the summary of a record once all its fields have arrived. */
  #writeRecord(): void {
    if (this.#record === undefined || this.#summary === undefined) return;
    const { key, value, offset } = this.#summary;
    this.#record.replaceChildren(
      element("span", { class: "offset" }, formatCount(Number(offset))),
      ...(key === "" ? [] : [element("span", { class: "key" }, key)]),
      element("span", { class: "value" }, value),
    );
    if (offset === "" || this.#record.nextElementSibling !== null) return;
    const href = this.#host.recordHref(Number(offset));
    const label = `Record ${offset} in full`;
    this.#record.after(element("a", { href, "aria-label": label }, "in full"));
  }
}

/** Bytes as text, with a dot for anything that is not printable UTF-8. */
function textOf(hex: string, lengthMax: number): string {
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  const text = new TextDecoder().decode(bytes).replaceAll(/[\p{C}\uFFFD]/gu, "·");
  return text.length > lengthMax ? `${text.slice(0, lengthMax)}…` : text;
}
