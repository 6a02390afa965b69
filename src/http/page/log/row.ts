// One partition on the page: its drawing, updated while visible, and its numbers in words.
// Leaves to others: drawing (drawing.ts), keys and clicks (row-input.ts), which rows there are (topic-rows.ts).
import { element, setText } from "../parts/dom.js";
import { draw, DRAWING_HEIGHT, type Highlight } from "./drawing.js";
import { Glide } from "./glide.js";
import type { LogShape, Span } from "./log-shape.js";
import { listenToRow } from "./row-input.js";
import { RowTicks, type TicksPace } from "./row-ticks.js";
import { rowWords, segmentWords } from "./row-words.js";
import { around, moved, roomFor, Scale, zoomed } from "./scale.js";
import { mayMove, theme } from "../parts/theme.js";
import type { GroupOffset } from "../wire.js";
import type { IndexTicks, SegmentRows } from "./log-wire.js";
import { askPartition } from "./log-api.js";

/** Time until the segments are requested again after a failure, in milliseconds. */
const RETRY_MS = 1000;

/** Minimum time between two frames of an animated row, in milliseconds. */
const FRAME_MS_MIN = 30;

/** The place of a record, on the drawing and in words. */
export interface Pin {
  readonly highlights: readonly Highlight[];
  readonly content: readonly Node[];
}

interface RowHost {
  readonly topic: string;
  readonly partition: number;
  shape(): LogShape | undefined;
  groups(): readonly GroupOffset[];
  /** Bytes of the longest partition of the topic: all its rows share one scale. */
  longest(): number;
  open(segment: number, position: number): void;
  readonly ticksPace: TicksPace;
}

/** Rows made so far: numbers for their ids. */
let rows = 0;

export class Row {
  readonly root: HTMLElement;
  readonly #host: RowHost;
  readonly #track: HTMLElement;
  readonly #canvas = element("canvas", { "aria-hidden": "true" });
  readonly #numbers = element("p", { class: "numbers" });
  readonly #groups = element("ul", { class: "groups", "aria-label": "Consumer groups" });
  readonly #hint = element("p", { class: "hint", hidden: true });
  readonly #pin = element("p", { class: "pin", hidden: true });
  readonly #glide = new Glide();
  #width = 0;
  /** How much larger the drawing is shown than it is drawn: the style sheet says how high it is. */
  #enlarged = 1;
  #mustMeasure = true;
  #isVisible = false;
  #frame: number | undefined;
  #drawnMs = 0;
  #redrawTimer: ReturnType<typeof setTimeout> | undefined;
  #asking: Promise<void> | undefined;
  readonly #ticks: RowTicks;
  /** What was drawn last, and how many bytes it had lost from its start. */
  #shape: LogShape | undefined;
  #origin = 0;
  #highlights: readonly Highlight[] = [];
  #pinned: readonly Highlight[] = [];
  #cursor: number | undefined;
  /** Base offset of the segment that is open in the panel. */
  #opened: number | undefined;
  /** The zoomed span; undefined for the whole log. */
  #zoom: Span | undefined;
  #written = "";

  constructor(host: RowHost) {
    this.#host = host;
    this.#ticks = new RowTicks(
      {
        ask: (query) => askPartition<IndexTicks>(host.topic, host.partition, "index", query),
        redraw: (inMs) => this.#drawIn(inMs),
      },
      host.ticksPace,
    );
    const name = `${host.topic}, partition ${host.partition}`;
    const about = `row-${++rows}`;
    this.#numbers.id = `${about}-numbers`;
    this.#groups.id = `${about}-groups`;
    const track = {
      class: "track",
      tabindex: 0,
      role: "slider",
      "aria-label": `Segments of ${name}`,
      // A slider always has a value, also before its segments are known.
      "aria-valuenow": 1,
      "aria-describedby": `${this.#numbers.id} ${this.#groups.id}`,
    };
    this.#track = element("div", track, this.#canvas);
    this.root = element(
      "article",
      { class: "row", "aria-label": name },
      element("h3", {}, String(host.partition)),
      this.#track,
      this.#numbers,
      this.#groups,
      this.#hint,
      this.#pin,
    );
    listenToRow(this.#track, {
      open: (x) => this.#openAt(this.#placeAt(x)),
      openCursor: () => this.#withShape((shape) => this.#open(shape, this.#at(shape), 0)),
      hover: (x) => this.#hover(x === undefined ? undefined : this.#placeAt(x)),
      focus: (hasFocus) => this.#focus(hasFocus),
      moveCursor: (by) => this.#withShape((shape) => this.#moveCursor(shape, by)),
      zoom: (factor, x) => this.#withShape((shape) => this.#zoomBy(shape, factor, x)),
      scroll: (part) => this.#withShape((shape) => this.#scroll(shape, part)),
      reset: () => this.#reset(),
    });
  }

  focus(): void {
    this.#track.focus();
  }

  /** Whether the row is on the screen. If not, it draws and requests nothing. */
  setVisible(isVisible: boolean): void {
    this.#isVisible = isVisible;
    if (isVisible) this.changed();
  }

  /** Updates the width, which may have changed, and the colours. */
  resized(): void {
    this.#mustMeasure = true;
    this.#drawSoon();
  }

  mark(segment: number | undefined): void {
    this.#opened = segment;
    this.#drawSoon();
  }

  /** Call this when something that it shows has changed. */
  changed(): void {
    if (!this.#isVisible) return;
    this.#withShape((shape) => {
      void this.complete();
      this.#write(shape);
      this.#drawSoon(true);
    });
  }

  /** Resolves when all available segments are known. */
  async complete(): Promise<void> {
    const shape = this.#host.shape();
    if (shape === undefined || shape.isComplete) return;
    this.#asking ??= this.#askSegments(shape).finally(() => {
      this.#asking = undefined;
    });
    await this.#asking;
  }

  /** Shows a span of the log, or all of it, and highlights these places. */
  show(span: Span | undefined, highlights: readonly Highlight[]): void {
    const bytes = this.#host.shape()?.bytes ?? 0;
    this.#zoom = span === undefined ? undefined : around(span, bytes);
    this.#highlights = highlights;
    this.#drawSoon(true);
  }

  /** Moves the highlights, and leaves alone which span is shown. */
  highlight(highlights: readonly Highlight[]): void {
    this.#highlights = highlights;
    this.#drawSoon();
  }

  /** Shows where a record is, until it is called with undefined. */
  pin(pin: Pin | undefined): void {
    this.#pinned = pin?.highlights ?? [];
    this.#pin.hidden = pin === undefined;
    this.#pin.replaceChildren(...(pin?.content ?? []));
    this.#drawSoon();
  }

  get #target(): Span {
    return this.#zoom ?? { from: 0, to: roomFor(this.#host.longest()) };
  }

  #withShape(action: (shape: LogShape) => void): void {
    const shape = this.#host.shape();
    if (shape !== undefined) action(shape);
  }

  #placeAt(x: number): number {
    const span = this.#glide.shown?.span ?? this.#target;
    return new Scale(span, this.#width).place(x / this.#enlarged);
  }

  /** Index of the segment that has the keyboard cursor. */
  #at(shape: LogShape): number {
    return Math.min(this.#cursor ?? shape.count - 1, shape.count - 1);
  }

  #openAt(place: number): void {
    this.#withShape((shape) => {
      if (place > shape.bytes) return;
      const segment = shape.segmentAt(place);
      this.#cursor = segment;
      this.#open(shape, segment, Math.floor(place - shape.startOf(segment)));
    });
  }

  #open(shape: LogShape, segment: number, position: number): void {
    if (!shape.isGap(segment)) this.#host.open(shape.baseOf(segment), position);
  }

  #hover(place: number | undefined): void {
    this.#withShape((shape) => {
      this.#hint.hidden = place === undefined || place < 0 || place > shape.bytes;
      if (place !== undefined && !this.#hint.hidden) this.#describe(shape, shape.segmentAt(place));
    });
  }

  #focus(hasFocus: boolean): void {
    this.#hint.hidden = !hasFocus;
    if (hasFocus) this.#withShape((shape) => this.#moveCursor(shape, 0));
    else this.#cursor = undefined;
    this.#drawSoon();
  }

  #moveCursor(shape: LogShape, by: number): void {
    this.#cursor = Math.max(0, Math.min(this.#at(shape) + by, shape.count - 1));
    const { from, to } = shape.spanOf(this.#cursor);
    const view = this.#target;
    if (this.#zoom !== undefined && (to < view.from || from > view.to)) {
      const way = (from + to) / 2 - (view.from + view.to) / 2;
      this.#zoom = moved(view, way / (view.to - view.from), shape.bytes);
    }
    this.#describe(shape, this.#cursor);
    this.#drawSoon();
  }

  #describe(shape: LogShape, segment: number): void {
    const text = segmentWords(shape, segment);
    this.#hint.hidden = false;
    setText(this.#hint, text);
    const values = { valuemin: 1, valuemax: shape.count, valuenow: segment + 1, valuetext: text };
    for (const [name, value] of Object.entries(values)) {
      this.#track.setAttribute(`aria-${name}`, String(value));
    }
  }

  #zoomBy(shape: LogShape, factor: number, x: number | undefined): void {
    const { from, to } = shape.spanOf(this.#at(shape));
    const place = x === undefined ? (from + to) / 2 : this.#placeAt(x);
    const all = roomFor(this.#host.longest());
    const view = zoomed(this.#target, factor, place, all);
    this.#zoom = view.to - view.from >= all * 0.999 ? undefined : view;
    this.#drawSoon(true);
  }

  #scroll(shape: LogShape, part: number): void {
    if (this.#zoom === undefined) return;
    this.#zoom = moved(this.#zoom, part, roomFor(shape.bytes));
    this.#drawSoon(true);
  }

  #reset(): boolean {
    if (this.#zoom === undefined) return false;
    this.#zoom = undefined;
    this.#drawSoon(true);
    return true;
  }

  async #askSegments(shape: LogShape): Promise<void> {
    const { topic, partition } = this.#host;
    try {
      for (let hasMore = true; hasMore;) {
        const after = shape.lastSealed;
        const query: Record<string, number> = after < 0 ? {} : { after };
        const rows = await askPartition<SegmentRows>(topic, partition, "segments", query);
        const isCursorLast = this.#cursor !== undefined && shape.isActive(this.#cursor);
        shape.add(rows, after);
        if (isCursorLast) this.#cursor = shape.count - 1;
        hasMore = rows.hasMore;
      }
      // Its description still has the old number of segments.
      if (this.#cursor !== undefined) this.#moveCursor(shape, 0);
      this.#drawSoon();
    } catch {
      // The topic may be gone; otherwise, many rows ask at once, and it may have been too busy.
      setTimeout(() => this.changed(), RETRY_MS);
    }
  }

  /** Draws in the next frame: the final state or, with `isSmooth`, the first step of an animation. */
  #drawSoon(isSmooth = false): void {
    if (!this.#isVisible) return;
    if (isSmooth && mayMove()) this.#glide.begin(performance.now());
    this.#frame ??= requestAnimationFrame((now) => this.#draw(now));
  }

  #drawIn(ms: number): void {
    if (ms <= 0) this.#drawSoon();
    else {
      this.#redrawTimer ??= setTimeout(() => {
        this.#redrawTimer = undefined;
        this.#drawSoon();
      }, ms);
    }
  }

  #draw(nowMs: number): void {
    this.#frame = undefined;
    // Half the frames are smooth enough for marks that move by a few pixels, at half the cost.
    if (this.#glide.isMoving && nowMs - this.#drawnMs < FRAME_MS_MIN) {
      this.#frame = requestAnimationFrame((now) => this.#draw(now));
      return;
    }
    this.#drawnMs = nowMs;
    const shape = this.#host.shape();
    const context = this.#canvas.getContext("2d");
    if (!this.#isVisible || shape === undefined || context === null) return;
    if (this.#mustMeasure) this.#measure(context);
    this.#follow(shape);
    const marks = { watermark: shape.watermarkPlace, end: shape.bytes };
    const sight = this.#glide.towards({ span: this.#target, ...marks }, nowMs);
    const scale = new Scale(sight.span, this.#width);
    if (this.#glide.isMoving) this.#frame = requestAnimationFrame((now) => this.#draw(now));
    // Also during an animation: under load there always is one. The span that it leads to is the one that stays.
    this.#ticks.update(shape, new Scale(this.#target, this.#width), nowMs);
    const scene = {
      ...{ shape, scale, watermark: sight.watermark, end: sight.end },
      ...{ ticks: this.#ticks.shown, groups: this.#host.groups() },
      highlights: [...this.#pinned, ...this.#highlights],
      cursor: this.#cursor,
      opened: this.#opened === undefined ? undefined : shape.numberOf(this.#opened),
    };
    draw(context, scene, theme());
  }

  /** Keeps the same bytes in view, and marks in place, when segments were deleted from the start of the log. */
  #follow(shape: LogShape): void {
    const bytes = shape === this.#shape ? shape.origin - this.#origin : 0;
    this.#shape = shape;
    this.#origin = shape.origin;
    if (bytes === 0) return;
    this.#glide.shift(bytes);
    if (this.#zoom === undefined) return;
    const { from, to } = this.#zoom;
    this.#zoom = moved({ from: from - bytes, to: to - bytes }, 0, roomFor(shape.bytes));
  }

  #measure(context: CanvasRenderingContext2D): void {
    const { clientWidth, clientHeight } = this.#track;
    const pixels = devicePixelRatio;
    this.#mustMeasure = false;
    this.#enlarged = clientHeight === 0 ? 1 : clientHeight / DRAWING_HEIGHT;
    this.#width = clientWidth / this.#enlarged;
    this.#canvas.width = Math.round(clientWidth * pixels);
    this.#canvas.height = Math.round(clientHeight * pixels);
    const scale = pixels * this.#enlarged;
    context.setTransform(scale, 0, 0, scale, 0, 0);
  }

  #write({ state }: LogShape): void {
    const words = rowWords(state, this.#host.groups());
    const { watermark, numbers, groups } = words;
    const all = JSON.stringify(words);
    if (all === this.#written) return;
    this.#written = all;
    const parts = numbers.map((part) => element("span", {}, part));
    this.#numbers.replaceChildren(element("strong", {}, watermark), ...parts);
    this.#groups.replaceChildren(...groups.map((line) => element("li", {}, line)));
  }
}
