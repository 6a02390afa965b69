// A compaction that was asked for: how far it is, and then what it has saved, by partition. It goes on in the broker whether or
// not the panel is looked at. Leaves to others: beginning it after a question (topic-dialogs.ts).
import { button, element, setText } from "../parts/dom.js";
import { formatBytes, formatCount } from "../parts/format.js";
import { type Column, Table } from "../parts/table.js";
import { compactionText, percentText } from "./consequences.js";
import { compactTopic } from "./topic-api.js";
import type { CompactionRow, TopicDetail } from "./topic-wire.js";

const COLUMNS: readonly Column<CompactionRow>[] = [
  { name: "partition", title: "partition", text: ({ partition }) => String(partition) },
  {
    ...{ name: "records", title: "records", isNumber: true },
    text: ({ recordsBefore }) => formatCount(recordsBefore),
  },
  {
    ...{ name: "records-after", title: "after", isNumber: true },
    text: ({ recordsAfter }) => formatCount(recordsAfter),
  },
  {
    ...{ name: "size", title: "size", isNumber: true },
    text: ({ bytesBefore }) => formatBytes(bytesBefore),
  },
  {
    ...{ name: "size-after", title: "after", isNumber: true },
    text: ({ bytesAfter }) => formatBytes(bytesAfter),
  },
  {
    ...{ name: "saved", title: "saved", isNumber: true },
    text: ({ bytesBefore, bytesAfter, error }) =>
      error ?? percentText(bytesBefore - bytesAfter, bytesBefore),
  },
];

export class CompactionPanel {
  readonly root = element("section", { class: "card compaction", hidden: true });
  readonly #said = element("p", { role: "status" });
  readonly #table = new Table<CompactionRow>({
    caption: "What the compaction has saved",
    columns: COLUMNS,
    keyOf: ({ partition }) => String(partition),
  });
  readonly #onEnd: () => void;
  #run = "";

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
    const close = button("Close", () => this.leave(), { class: "quiet" });
    this.root.append(
      element("div", { class: "view-head" }, element("h3", {}, "Compaction"), this.#said, close),
      this.#table.root,
    );
  }

  /** Begins a compaction and follows it to its end. */
  async follow({ name, detail }: { readonly name: string; readonly detail: TopicDetail }) {
    const run = randomId();
    this.#run = run;
    this.root.hidden = false;
    this.#table.root.hidden = true;
    setText(this.#said, "begins");
    try {
      for (let isDone = false; !isDone && this.#run === run;) {
        const report = await compactTopic(name, { id: detail.id, run });
        if (this.#run !== run) return;
        isDone = report.isDone;
        setText(this.#said, compactionText(report));
        const ended = report.rows.filter(
          ({ state, bytesBefore }) => state === "failed" || (state === "done" && bytesBefore > 0),
        );
        this.#table.root.hidden = ended.length === 0;
        this.#table.show(ended);
      }
    } catch (error) {
      setText(this.#said, error instanceof Error ? error.message : String(error));
    }
    this.#onEnd();
  }

  /** Closes the panel. */
  leave(): void {
    this.#run = "";
    this.root.hidden = true;
  }
}

/** `crypto.randomUUID` is there only with TLS, or on the same machine. */
function randomId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
