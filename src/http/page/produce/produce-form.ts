// The form of a record: its fields, what they come to, and how much of the largest request that takes.
// Leaves to others: sending it (produce-view.ts), the words (produce-words.ts).
import { HTTP_BODY_BYTES_MAX } from "../../../limits.js";
import { element, setText } from "../parts/dom.js";
import { choice, field, toggle, topicInput } from "../parts/fields.js";
import { zoneText } from "../parts/format.js";
import type { Model } from "../model.js";
import type { ProduceOrder } from "./produce-wire.js";
import type { TopicState } from "../wire.js";
import { HeaderRows } from "./header-rows.js";
import {
  bytesOf,
  partitionHint,
  READINGS,
  sizeOf,
  sizeText,
  timestampOf,
  topicHint,
} from "./produce-words.js";
import type { RecordCopy } from "./record-copy.js";

/** A field of the key without text is no key, so an empty one has to be said. */
const KEY_READINGS = { ...READINGS, empty: "empty" };

const CODECS = { none: "none", gzip: "gzip", snappy: "snappy", lz4: "lz4", zstd: "zstd" } as const;

/** Time without a key after which the size is measured: that takes milliseconds for a large value. */
const MEASURE_MS = 100;

/** The parts of the form that are in the address: the value is not. */
interface FormPlace {
  readonly topic: string;
  readonly partition: string;
  /** "" unless it is text. */
  readonly key: string;
}

export class ProduceForm {
  readonly #model: Model;
  readonly #topic = topicInput();
  readonly #topicHint = element("small");
  readonly #partition = element("input", {
    ...{ name: "partition", type: "number", min: 0, placeholder: "by key" },
  });
  readonly #partitionHint = element("small");
  readonly #key = element("input", { name: "key", placeholder: "none", spellcheck: "false" });
  readonly #keyReading = choice("key-reading", KEY_READINGS);
  readonly #value = element("textarea", { name: "value", rows: 8, spellcheck: "false" });
  readonly #valueReading = choice("value-reading", READINGS);
  readonly #tombstone = toggle("tombstone (the value is null)", "tombstone", (isOn) => {
    this.#setTombstone(isOn);
    this.#changed();
  });
  readonly #codec = choice("codec", CODECS);
  readonly #timestamp = element("input", {
    ...{ name: "timestamp", placeholder: "now", spellcheck: "false" },
  });
  readonly #headers = new HeaderRows(() => this.#changed());
  readonly #size = element("p", { class: "size" });
  readonly #onChange: () => void;
  #measuring: ReturnType<typeof setTimeout> | undefined;
  readonly root: HTMLElement;

  /** `onChange` is called when something in the form has changed. */
  constructor(model: Model, onChange: () => void) {
    this.#model = model;
    this.#onChange = onChange;
    this.#keyReading.ariaLabel = "The key is";
    this.#valueReading.ariaLabel = "The value is";
    this.#keyReading.addEventListener("change", () => this.#allowKey());
    const partition = field("partition", this.#partition);
    const topic = field("topic", this.#topic);
    topic.append(this.#topicHint);
    partition.append(this.#partitionHint);
    this.root = element(
      "div",
      { class: "produce-fields" },
      topic,
      partition,
      element("div", { class: "field-pair" }, field("key", this.#key), this.#keyReading),
      element(
        "div",
        { class: "field-wide" },
        field("value", this.#value),
        element(
          "div",
          { class: "value-kind" },
          this.#valueReading,
          this.#tombstone.root,
          this.#size,
        ),
      ),
      this.#headers.root,
      field("codec", this.#codec),
      field(
        `timestamp, ${zoneText()}`,
        this.#timestamp,
        "2026-07-01 12:00, or milliseconds since 1970",
      ),
    );
    this.root.addEventListener("input", () => this.#changed());
  }

  get place(): FormPlace {
    const isText = this.#keyReading.value === "text";
    const key = isText ? this.#key.value : "";
    return { topic: this.#topic.value, partition: this.#partition.value, key };
  }

  get topic(): string {
    return this.#topic.value;
  }

  set topic(name: string) {
    this.#topic.value = name;
    this.#changed();
  }

  /** What the form comes to. Throws what is wrong with it. */
  get order(): ProduceOrder {
    const partition = this.#partition.value;
    const timestamp = timestampOf(this.#timestamp.value);
    const isTombstone = this.#tombstone.box.checked;
    const { headers } = this.#headers;
    return {
      topic: this.#topic.value,
      partition: partition === "" ? null : Number(partition),
      key: this.#keyBytes,
      value: isTombstone ? null : bytesOf(this.#value.value, this.#valueReading.value),
      ...(headers.length === 0 ? {} : { headers }),
      codec: CODECS[this.#codec.value as keyof typeof CODECS],
      ...(timestamp === undefined ? {} : { timestamp }),
    };
  }

  /** Enters what an address says. What it does not say stays. */
  enter(query: URLSearchParams): void {
    const topic = query.get("topic");
    const key = query.get("key");
    if (topic !== null) {
      this.#topic.value = topic;
      this.#partition.value = query.get("partition") ?? "";
    }
    if (key !== null) {
      this.#key.value = key;
      this.#keyReading.value = "text";
      this.#allowKey();
    }
    this.update();
  }

  /** Enters a record, for the partition of its key and the present time. */
  fill({ topic, key, value, headers }: RecordCopy): void {
    this.#topic.value = topic;
    this.#partition.value = "";
    this.#key.value = key.text;
    this.#keyReading.value = key.reading === "null" ? "text" : key.reading;
    this.#allowKey();
    const isTombstone = value.reading === "null";
    this.#value.value = value.text;
    this.#valueReading.value = value.reading === "empty" || isTombstone ? "text" : value.reading;
    this.#tombstone.box.checked = isTombstone;
    this.#setTombstone(isTombstone);
    this.#headers.fill(headers);
    this.#timestamp.value = "";
    this.update();
  }

  /** Empties all but the topic. */
  clear(): void {
    const none = { text: "", reading: "text" } as const;
    this.fill({ topic: this.#topic.value, key: none, value: none, headers: [] });
  }

  /** Enters the topic if there is only one: a record in another one than was meant can't be taken back. */
  offer(topics: readonly TopicState[]): void {
    const [only, other] = topics.filter(({ internal }) => !internal);
    if (this.#topic.value === "" && only !== undefined && other === undefined) {
      this.#topic.value = only.name;
    }
    this.update();
  }

  /** Says what is known of the topic, and measures the order. */
  update(): void {
    const { topics, overview } = this.#model;
    const name = this.#topic.value;
    const topic = topics.find((each) => each.name === name);
    const isComplete = overview !== undefined && topics.length === overview.topicCount;
    setText(this.#topicHint, topicHint(name, topic, isComplete));
    const chosen = this.#partition.value;
    setText(this.#partitionHint, this.#hintOf(chosen, topic?.partitions));
    clearTimeout(this.#measuring);
    this.#measuring = setTimeout(() => this.#measure(), MEASURE_MS);
  }

  focus(): void {
    (this.#topic.value === "" ? this.#topic : this.#value).focus();
  }

  /** Puts the focus into the key, which the topic needs. */
  focusKey(): void {
    this.#key.focus();
  }

  /** Where the record would go; "" while the key is not complete. */
  #hintOf(chosen: string, partitions: number | undefined): string {
    try {
      return partitionHint(chosen, this.#keyBytes, partitions);
    } catch {
      return "";
    }
  }

  get #keyBytes(): ProduceOrder["key"] {
    const reading = this.#keyReading.value;
    if (reading === "empty") return "";
    return this.#key.value === "" ? null : bytesOf(this.#key.value, reading);
  }

  #allowKey(): void {
    this.#key.disabled = this.#keyReading.value === "empty";
  }

  #setTombstone(isOn: boolean): void {
    this.#value.disabled = isOn;
    this.#valueReading.disabled = isOn;
  }

  #changed(): void {
    this.update();
    this.#onChange();
  }

  #measure(): void {
    let bytes: number;
    try {
      bytes = sizeOf(this.order);
    } catch {
      return; // a timestamp or a number is not complete yet
    }
    setText(this.#size, sizeText(bytes));
    this.#size.classList.toggle("failure", bytes > HTTP_BODY_BYTES_MAX);
  }
}
