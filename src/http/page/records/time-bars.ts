// Records over time, as bars above the list: a part that is clicked, or several that are dragged over, become the range.
// Leaves to others: which time, and words (time-parts.ts); asking for the counts (record-api.ts).
import { element, setText, svg } from "../parts/dom.js";
import { askTimes } from "./record-api.js";
import { firstPageOf, hrefOfPlace, type RecordsPlace } from "./records-place.js";
import { askedTime, partWords, rangeOfParts, type TimeParts } from "./time-parts.js";

/** The drawing's own units; it is as wide as the page. */
const PART = 10;
const GAP = 1;
const HEIGHT = 40;

/** Where there is anything, there is at least this much of a bar. */
const BAR_MIN = 2;

/** Time after which the same is asked again, in milliseconds. */
const STALE_MS = 30_000;

interface TimeBarsEvents {
  /** Somebody chose a range. */
  chosen(range: { readonly from: string; readonly to: string }): void;
}

export class TimeBars {
  readonly root = element("figure", { class: "time-bars", hidden: true });
  readonly #events: TimeBarsEvents;
  readonly #plot = svg("svg", { preserveAspectRatio: "none", "aria-hidden": "true" });
  readonly #bars = svg("path", { class: "bars" });
  readonly #chosen = svg("path", { class: "chosen" });
  readonly #slider = element("div", {
    ...{ class: "time-plot", role: "slider", tabindex: 0, "aria-label": "Records over time" },
    "aria-valuemin": 0,
  });
  readonly #said = element("span");
  readonly #whole = element("a", {}, "the whole log");
  #parts: TimeParts | undefined;
  #isUtc = false;
  /** What is shown or asked for, and since when. */
  #asked = { key: "", ms: 0 };
  #asking: AbortController | undefined;
  /** The part that has been reached by the arrow keys or the pointer. */
  #at: number | undefined;
  /** The part where dragging began. */
  #dragFrom: number | undefined;

  constructor(events: TimeBarsEvents) {
    this.#events = events;
    this.#plot.append(this.#chosen, this.#bars);
    this.#slider.append(this.#plot);
    this.root.append(
      this.#slider,
      element(
        "figcaption",
        {},
        this.#said,
        element("span", { class: "hint" }, "click a bar, or drag, to choose a time"),
        this.#whole,
      ),
    );
    this.#slider.addEventListener("keydown", (event) => this.#pressed(event));
    this.#slider.addEventListener("focus", () => this.#point(this.#at ?? this.#last));
    this.#slider.addEventListener("blur", () => this.#point(undefined));
    this.#slider.addEventListener("pointerdown", (event) => {
      this.#slider.setPointerCapture(event.pointerId);
      this.#dragFrom = this.#partAt(event);
      this.#point(this.#dragFrom);
    });
    this.#slider.addEventListener("pointermove", (event) => this.#point(this.#partAt(event)));
    this.#slider.addEventListener("pointerup", (event) => this.#choose(this.#partAt(event)));
    this.#slider.addEventListener("pointercancel", () => this.#point(undefined));
    this.#slider.addEventListener("pointerleave", () => this.#point(undefined));
  }

  /** Shows the time of a place, once the broker has said what is in it. */
  show(place: RecordsPlace): void {
    this.#isUtc = place.isUtc;
    const { topic, partition, from, to } = place;
    const key = JSON.stringify([topic, partition, from, to]);
    const isKnown = key === this.#asked.key && performance.now() - this.#asked.ms < STALE_MS;
    this.#whole.hidden = from === "" && to === "";
    this.#whole.href = hrefOfPlace({ ...firstPageOf(place), from: "", to: "" });
    if (!isKnown) void this.#ask(place, key);
  }

  /** Shows nothing until the next place. */
  hide(): void {
    this.#asking?.abort();
    this.#asked = { key: "", ms: 0 };
    this.root.hidden = true;
  }

  async #ask(place: RecordsPlace, key: string): Promise<void> {
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    this.#asked = { key, ms: performance.now() };
    const { topic, partition } = place;
    const asked = { partition, ...askedTime(place, Date.now()) };
    try {
      const parts = await askTimes(topic, asked, asking.signal);
      if (!asking.signal.aborted) this.#draw(parts);
    } catch {
      // The list says what is wrong. A topic with very many segments has no bars.
      if (!asking.signal.aborted) this.#draw(undefined);
    }
  }

  #draw(parts: TimeParts | undefined): void {
    this.#parts = parts;
    this.root.hidden = parts === undefined;
    if (parts === undefined) return;
    const { counts } = parts;
    const most = Math.max(1, ...counts);
    this.#plot.setAttribute("viewBox", `0 0 ${counts.length * PART} ${HEIGHT}`);
    const bars = counts.map((count, i) => {
      if (count === 0) return "";
      const height = Math.max(BAR_MIN, (count / most) * HEIGHT);
      return `M${i * PART + GAP / 2} ${HEIGHT}v${-height.toFixed(1)}h${PART - GAP}v${height.toFixed(1)}z`;
    });
    this.#bars.setAttribute("d", bars.join(""));
    this.#slider.ariaValueMax = String(counts.length - 1);
    this.#point(undefined);
  }

  get #last(): number {
    return (this.#parts?.counts.length ?? 1) - 1;
  }

  #partAt({ clientX }: PointerEvent): number {
    const { left, width } = this.#slider.getBoundingClientRect();
    const at = Math.floor(((clientX - left) / width) * (this.#last + 1));
    return Math.min(this.#last, Math.max(0, at));
  }

  /** Says and marks what a part has, or the parts since dragging began; undefined for what all have. */
  #point(at: number | undefined): void {
    const parts = this.#parts;
    if (parts === undefined) return;
    if (at === undefined) this.#dragFrom = undefined;
    else this.#at = at;
    const [first, last] = this.#range(at ?? 0);
    const isAll = at === undefined;
    const words = isAll
      ? partWords(parts, 0, this.#last, this.#isUtc)
      : partWords(parts, first, last, this.#isUtc);
    setText(this.#said, words);
    this.#slider.ariaValueNow = String(this.#at ?? this.#last);
    this.#slider.ariaValueText = words;
    const width = (last - first + 1) * PART;
    this.#chosen.setAttribute("d", isAll ? "" : `M${first * PART} 0h${width}v${HEIGHT}h-${width}z`);
  }

  /** From where dragging began. */
  #range(at: number): [first: number, last: number] {
    const from = this.#dragFrom ?? at;
    return [Math.min(from, at), Math.max(from, at)];
  }

  #choose(at: number): void {
    const parts = this.#parts;
    if (parts === undefined) return;
    const [first, last] = this.#range(at);
    this.#dragFrom = undefined;
    this.#events.chosen(rangeOfParts(parts, first, last));
  }

  /** With Shift, a range grows. */
  #pressed(event: KeyboardEvent): void {
    const at = this.#at ?? this.#last;
    const to = {
      ...{ ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1 },
      ...{ Home: 0, End: this.#last, PageDown: at - 10, PageUp: at + 10 },
    }[event.key];
    if (event.key === "Enter") this.#choose(at);
    if (to === undefined) return;
    event.preventDefault();
    this.#dragFrom = event.shiftKey ? (this.#dragFrom ?? at) : undefined;
    this.#point(Math.min(this.#last, Math.max(0, to)));
  }
}
