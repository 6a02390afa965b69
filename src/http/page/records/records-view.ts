// The records view: browses a topic, searches it, follows it, and opens one record. Everything that is shown is in the address.
// Leaves to others: the form (records-form.ts), the list (record-list.ts), one record (record-panel.ts), loading
// (record-load.ts), following (record-tail.ts), records over time (time-bars.ts), where the list leads (records-links.ts), what
// is said where it is empty (records-empty.ts), what an address means (records-place.ts), and words (records-words.ts).
import { SHOWN_FIELDS_MAX } from "../../../limits.js";
import { isMissing, isTopicName } from "../missing.js";
import type { RecordItem } from "../../../services/records/record-item.js";
import { button, element, setText } from "../parts/dom.js";
import { choice, toggle } from "../parts/fields.js";
import { shortText } from "../parts/names.js";
import type { Route } from "../router.js";
import type { PageContext, View } from "../view.js";
import type { Tick } from "../wire.js";
import { type ListItem, RecordList } from "./record-list.js";
import { type LoadedRecords, RecordLoad } from "./record-load.js";
import { KEYS_AS, keysAsOf, type KeysAs, searchProblem, SeenKeys } from "./record-keys.js";
import { firstOf } from "./record-order.js";
import { RecordPanel } from "./record-panel.js";
import { RecordTail } from "./record-tail.js";
import type { RecordRows } from "./record-wire.js";
import { failedState, noRecordsState, topicOffer } from "./records-empty.js";
import { RecordsForm } from "./records-form.js";
import { RecordsLinks } from "./records-links.js";
import {
  firstPageOf,
  hrefOfPlace,
  isSameList,
  isSearch,
  placeOf,
  queryOf,
  type RecordsPlace,
  searchedKeys,
} from "./records-place.js";
import { stateWords, waitWords } from "./records-words.js";
import { shownPaths } from "./shown-paths.js";
import { pathsOf } from "./suggested-paths.js";
import { TimeBars } from "./time-bars.js";

/** Records of a page, and rows that a tail keeps. */
const PAGE_RECORDS = 100;
const TAIL_ROWS_MAX = 500;

/** How partitions are merged, for who points at the words. */
const MERGE_TITLE =
  "Each partition keeps the order of its offsets; of all partitions, the one whose next record is the oldest comes first.";

/** Time after which a record that the arrow keys have reached is asked for, in milliseconds. */
const SETTLE_MS = 80;

export class RecordsView implements View {
  readonly root: HTMLElement;
  readonly #context: PageContext;
  readonly #form: RecordsForm;
  readonly #list: RecordList;
  readonly #panel: RecordPanel;
  readonly #bars: TimeBars;
  readonly #load = new RecordLoad();
  readonly #tail: RecordTail;
  readonly #said = element("p", { class: "said", role: "status" });
  readonly #progress = element("progress", {
    max: 1,
    value: 0,
    "aria-label": "Part of the range that was searched",
  });
  readonly #cancel = button("Cancel", () => this.#cancelled());
  readonly #links = new RecordsLinks();
  readonly #follow = button("Live tail", () => this.#toggleTail());
  readonly #utc = toggle("UTC", "utc", (isUtc) => this.#note({ isUtc }));
  readonly #keys = choice("keys", KEYS_AS);
  readonly #keysLabel = element("label", { class: "keys-as" }, "keys as ", this.#keys);
  readonly #empty = element("div");
  readonly #shown: HTMLElement;
  #place: RecordsPlace | undefined;
  #loaded: LoadedRecords | undefined;
  /** Whether it is shown that there are no records at all yet. */
  #isBlank = false;
  #isLoading = false;
  /** Why the question has no answer yet that is asked again until it has one. */
  #waitsFor: unknown;
  /** Why nothing can be shown. */
  #failure: unknown;
  /** The topic of the records in the list. */
  #listed = "";
  readonly #seenKeys = new SeenKeys();
  #settling: ReturnType<typeof setTimeout> | undefined;

  constructor(context: PageContext) {
    this.#context = context;
    this.#form = new RecordsForm((place) => this.#submitted(place));
    this.#list = new RecordList({
      opened: (partition, offset) => this.#open(partition, offset),
      moved: (partition, offset) => this.#moved(partition, offset),
    });
    this.#panel = new RecordPanel(context, {
      closed: () => this.#close(),
      chose: (tab) => this.#note({ tab }),
      step: (by) => this.#list.step(by),
      chosePath: (path) => this.#showField(path),
    });
    this.#bars = new TimeBars({ chosen: (range) => this.#chose(range) });
    this.#tail = new RecordTail({
      arrived: (rows) => this.#arrived(rows),
      waits: () => this.#showState(),
      failed: (error) => {
        context.notices.fail(error);
        this.#showState();
      },
    });
    this.#shown = element(
      "div",
      { class: "records-shown" },
      this.#bars.root,
      element(
        "div",
        { class: "records-bar small" },
        element("div", { class: "actions" }, ...this.#links.pages, this.#follow),
        this.#said,
        this.#progress,
        this.#cancel,
        element("div", { class: "actions" }, this.#keysLabel, this.#utc.root, this.#links.download),
      ),
      element("div", { class: "split" }, this.#list.root, this.#panel.root),
    );
    this.root = element(
      "div",
      { class: "records-view" },
      this.#form.root,
      this.#empty,
      this.#shown,
    );
    this.#keys.addEventListener("change", () => this.#chooseKeys());
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#panel.isOpen) this.#close();
    });
  }

  show(route: Route): string {
    const place = placeOf(route);
    const before = this.#place;
    this.#place = place;
    const isNew = before === undefined || !isSameList(before, place);
    this.#utc.box.checked = place.isUtc;
    this.#list.isUtc = place.isUtc;
    this.#list.paths = shownPaths(place.show);
    if (isNew) {
      this.#form.fill(place);
      this.#begin(place);
    }
    this.#showKeys(place);
    this.#showState();
    this.#showRecord(place);
    return place.topic === "" ? "Records" : `${shortText(place.topic)} – Records`;
  }

  hide(): void {
    this.#load.cancel();
    this.#bars.hide();
    this.#tail.stop();
    // What was left unfinished begins again.
    this.#place = undefined;
  }

  overview(): void {
    const place = this.#place;
    if (place === undefined) return;
    if (place.topic === "") this.#offerTopics();
    else if (this.#isOtherTopic(place.topic)) this.#begin(place);
    else if (this.#failure !== undefined) this.#showFailure(place, this.#failure);
  }

  /** Whether the topic was deleted or created since its records were asked for. */
  #isOtherTopic(topic: string): boolean {
    const { topics, overview } = this.#context.model;
    const id = topics.find(({ name }) => name === topic)?.id;
    if (id === undefined && topics.length < (overview?.topicCount ?? 0)) return false;
    if (this.#failure !== undefined) return id !== undefined && isMissing(this.#failure);
    return this.#loaded !== undefined && this.#loaded.last.topicId !== (id ?? "");
  }

  tick({ partitions }: Tick): void {
    if (this.#isBlank) this.#leaveBlank(partitions);
    if (!this.#tail.isRunning) return;
    if (partitions.some(({ topic }) => topic === this.#place?.topic)) this.#tail.news();
  }

  /** Shows the first records of what had none. */
  #leaveBlank(partitions: Tick["partitions"]): void {
    const place = this.#place;
    const isFilled = partitions.some(
      ({ topic, partition, logStart, highWatermark }) =>
        topic === place?.topic &&
        partition === (place.partition ?? partition) &&
        highWatermark > logStart,
    );
    if (place !== undefined && isFilled) this.#begin(place);
  }

  #chose(range: Pick<RecordsPlace, "from" | "to">): void {
    if (this.#place === undefined) return;
    this.#context.router.go(hrefOfPlace({ ...firstPageOf(this.#place), ...range }));
  }

  #submitted(form: RecordsPlace): void {
    const { router, notices } = this.#context;
    const place = { ...form, isUtc: this.#utc.box.checked, keys: this.#keysFor(form) };
    const problem = keyProblem(place, place.keys);
    if (problem !== undefined) {
      notices.fail(new Error(problem));
      return;
    }
    if (this.#place !== undefined && isSameList(this.#place, place)) this.#begin(place);
    else router.go(hrefOfPlace(place));
  }

  #begin(place: RecordsPlace): void {
    this.#tail.stop();
    if (place.isTail || place.topic !== this.#listed) this.#bars.hide();
    this.#loaded = undefined;
    this.#failure = undefined;
    this.#isBlank = false;
    this.#shown.hidden = place.topic === "";
    this.#empty.replaceChildren();
    if (place.topic === "") this.#offerTopics();
    else void this.#run(place);
  }

  async #run(place: RecordsPlace): Promise<void> {
    const query = queryOf(place, PAGE_RECORDS);
    this.#isLoading = true;
    this.#waitsFor = undefined;
    this.#progress.value = 0;
    // What is shown stays until the answer is there, unless it belongs to something else.
    if (place.topic !== this.#listed) this.#seenKeys.clear();
    if (isSearch(place) || place.topic !== this.#listed) this.#list.show([], [], true);
    this.#listed = place.topic;
    this.#showState();
    try {
      if (!isTopicName(place.topic)) throw new Error("no topic can have this name");
      const loaded = await this.#load.load(place.topic, query, PAGE_RECORDS, {
        onProgress: (now) => {
          this.#waitsFor = undefined;
          this.#loaded = now;
          if (!place.isTail) this.#bars.show(place);
          this.#showItems(place);
          this.#showState();
        },
        onWait: (error) => {
          this.#waitsFor = error;
          this.#showState();
        },
      });
      if (loaded === undefined) return;
      this.#isLoading = false;
      if (place.isTail) this.#startTail(place, loaded.last.to);
      this.#showEmpty(place, loaded);
      if (query.dir === "older") this.#list.scrollToEnd();
      else this.#list.root.scrollTop = 0;
    } catch (error) {
      this.#isLoading = false;
      this.#failure = error;
      this.#showFailure(place, error);
    }
    this.#showState();
  }

  /** Says why nothing can be shown, and what to do. */
  #showFailure(place: RecordsPlace, error: unknown): void {
    this.#shown.hidden = true;
    const state = failedState(this.#context, place, error, () => this.#begin(place));
    this.#empty.replaceChildren(...state);
  }

  #showEmpty(place: RecordsPlace, { items, last }: LoadedRecords): void {
    if (items.length > 0) return;
    this.#isBlank = !last.hasOlder && !last.hasNewer && !isSearch(place) && !place.isTail;
    const state = noRecordsState(this.#context, place, last, this.#seenKeys);
    this.#empty.replaceChildren(state);
  }

  /** How keys are shown and searched for: as before, as long as it is the same topic; a key as they are seen to be. */
  #keysFor(place: RecordsPlace): KeysAs {
    const keys = this.#place?.topic === place.topic ? this.#place.keys : "";
    if (keys !== "" || place.topic !== this.#listed) return keys;
    const types = new Set(searchedKeys(place).map((find) => this.#seenKeys.typeOf(find)));
    return types.size === 1 ? ([...types][0] ?? keys) : keys;
  }

  /** Adds a column. */
  #showField(path: string): void {
    const place = this.#place;
    const paths = shownPaths(place?.show ?? "");
    if (place === undefined || paths.includes(path)) return;
    if (paths.length >= SHOWN_FIELDS_MAX) {
      this.#context.notices.say(`At most ${SHOWN_FIELDS_MAX} fields are shown: remove one first.`);
      return;
    }
    this.#note({ show: [...paths, path].join(", ") }, true);
  }

  #chooseKeys(): void {
    const place = this.#place;
    if (place === undefined) return;
    const keys = keysAsOf(this.#keys.value);
    const problem = keyProblem(place, keys);
    if (problem === undefined) this.#note({ keys });
    else {
      this.#keys.value = place.keys;
      this.#context.notices.fail(new Error(problem));
    }
  }

  /** Shows keys as they are chosen to be. The choice is there where not all keys are text. */
  #showKeys({ keys }: Pick<RecordsPlace, "keys">): void {
    this.#keys.value = keys;
    this.#keysLabel.hidden = keys === "" && !this.#seenKeys.hasBinary;
    this.#list.keyView = { as: keys, types: this.#seenKeys.types };
  }

  #seeKeys(items: readonly RecordItem[]): void {
    this.#seenKeys.add(items);
    if (this.#place !== undefined) this.#showKeys(this.#place);
  }

  #showItems({ partition }: RecordsPlace): void {
    const { items = [], batches = [], last } = this.#loaded ?? {};
    const isOfOne = partition !== undefined || last?.partitions === 1;
    this.#seeKeys(items);
    this.#list.show(items, batches, isOfOne);
    this.#form.suggestedPaths = pathsOf(items);
    this.#list.markOpen(this.#place?.record);
  }

  #showState(): void {
    const place = this.#place;
    if (place === undefined || place.topic === "") return;
    const loaded = this.#loaded;
    const isBusy = this.#isLoading && (isSearch(place) || loaded !== undefined);
    const waitsFor = this.#isLoading ? this.#waitsFor : this.#tail.waitsFor;
    this.#progress.hidden = !isBusy;
    this.#cancel.hidden = !isBusy && !(this.#isLoading && waitsFor !== undefined);
    if (loaded !== undefined) {
      const { offsetsLeft, offsetsTotal } = loaded.last;
      this.#progress.value = offsetsTotal === 0 ? 1 : 1 - offsetsLeft / offsetsTotal;
    }
    const isRunning = this.#tail.isRunning;
    const now = { isLoading: this.#isLoading, isFollowing: isRunning };
    const said = loaded === undefined ? "loading …" : stateWords(place, loaded, now);
    setText(this.#said, waitsFor === undefined ? said : `${waitWords(waitsFor)} · ${said}`);
    this.#said.classList.toggle("failure", waitsFor !== undefined);
    this.#said.title = place.partition === undefined ? MERGE_TITLE : "";
    setText(this.#follow, place.isTail ? (isRunning ? "Pause" : "Continue") : "Live tail");
    this.#follow.ariaPressed = String(isRunning);
    this.#links.show(place, loaded);
  }

  #offerTopics(): void {
    const offer = topicOffer(this.#context);
    if (offer !== undefined) this.#empty.replaceChildren(offer);
  }

  #cancelled(): void {
    this.#load.cancel();
    this.#isLoading = false;
    this.#showState();
  }

  #toggleTail(): void {
    const place = this.#place;
    if (place === undefined) return;
    if (!place.isTail) {
      const followed = { ...firstPageOf(place), from: "", to: "", isTail: true };
      this.#context.router.go(hrefOfPlace(followed));
      return;
    }
    if (this.#tail.isRunning) this.#tail.stop();
    else if (this.#loaded !== undefined) this.#startTail(place, this.#loaded.last.to);
    this.#showState();
  }

  #startTail(place: RecordsPlace, after: string): void {
    const { from: _, ...query } = queryOf({ ...place, from: "", to: "", at: "" }, PAGE_RECORDS);
    this.#tail.start(place.topic, query, after);
  }

  #arrived(rows: RecordRows): void {
    const place = this.#place;
    const loaded = this.#loaded;
    if (place === undefined || loaded === undefined) return;
    this.#loaded = { ...loaded, last: rows, end: rows.end };
    this.#empty.replaceChildren();
    const first = rows.items[0];
    const isSkipping = rows.offsetsLeft > 0 && !isSearch(place);
    const skipped: ListItem[] = isSkipping
      ? [
          {
            ...{ kind: "skipped", count: rows.offsetsLeft },
            ...{
              partition: first?.partition ?? 0,
              offset: first === undefined ? 0 : firstOf(first),
            },
          },
        ]
      : [];
    const isOfOne = place.partition !== undefined || rows.partitions === 1;
    this.#seeKeys(rows.items);
    this.#list.append([...skipped, ...rows.items], rows.batches, isOfOne, TAIL_ROWS_MAX);
    this.#showState();
  }

  #open(partition: number, offset: number): void {
    clearTimeout(this.#settling);
    const isOpen = this.#place?.record !== undefined;
    this.#note({ record: { partition, offset } }, !isOpen);
  }

  #moved(partition: number, offset: number): void {
    if (this.#place?.record === undefined) return;
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => this.#note({ record: { partition, offset } }), SETTLE_MS);
  }

  #close(): void {
    clearTimeout(this.#settling);
    this.#list.focus();
    this.#note({ record: undefined, tab: "" });
  }

  /** Changes what is open, and the address. */
  #note(change: Partial<RecordsPlace>, isStep = false): void {
    if (this.#place === undefined) return;
    const href = hrefOfPlace({ ...this.#place, ...change });
    if (isStep) this.#context.router.go(href);
    else this.#context.router.replace(href);
  }

  #showRecord({ topic, record, tab, keys }: RecordsPlace): void {
    this.#list.markOpen(record);
    this.#shown.classList.toggle("has-panel", record !== undefined);
    if (record === undefined) this.#panel.close();
    else {
      const wasOpen = this.#panel.isOpen;
      const view = { as: keys, types: this.#seenKeys.types };
      void this.#panel.open(topic, record.partition, record.offset, tab, view);
      // On a narrow screen it lies over the list.
      if (!wasOpen && matchMedia("(max-width: 1099px)").matches) this.#panel.root.focus();
    }
  }
}

/** Why keys can't be searched as they are shown; undefined if they can, or are not searched. */
function keyProblem(place: RecordsPlace, keys: KeysAs): string | undefined {
  return searchedKeys(place)
    .map((find) => searchProblem(find, keys))
    .find((problem) => problem !== undefined);
}
