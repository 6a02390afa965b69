// One record in full: its value as JSON, text, hexadecimal or base64, its key and headers, and the ways to its bytes in the log.
// Leaves to others: the list (record-list.ts), and the formats (record-text.ts).
import { printable } from "../../../printable.js";
import { fixedTypeOf, typedText } from "../../../record/typed-bytes.js";
import { isPassing } from "../api.js";
import { copyText } from "../parts/copy.js";
import { openDialog } from "../parts/dialog.js";
import { button, element, failure } from "../parts/dom.js";
import { link } from "../parts/empty.js";
import { formatBytes, formatCount, formatTime } from "../parts/format.js";
import { shortText } from "../parts/names.js";
import { Tabs } from "../parts/tabs.js";
import { produce } from "../produce/produce-api.js";
import { copiedPlaceText } from "../produce/record-copy.js";
import { hrefOf } from "../router.js";
import type { PageContext } from "../view.js";
import { deletionWords, isDeletable, keyWords, tombstoneOrder } from "./deletion-words.js";
import { askKey, askRecord, pathOfRecord } from "./record-api.js";
import { keyTabOf, type KeyView, searchOfKey, suitableType } from "./record-keys.js";
import {
  bytesOfBase64,
  confluentText,
  hexDump,
  isReadable,
  jsonTokens,
  printableLines,
  textOf,
  timeText,
} from "./record-text.js";
import { pathOfName } from "./suggested-paths.js";
import type { ShownBytes, ShownRecord } from "./record-wire.js";
import { hrefOfPlace, placeOf, type RecordsPlace } from "./records-place.js";

/** Characters shown before the button for all of them; more of them would make the page slow. */
const SHOWN_LENGTH = 200_000;

/** Records before the one around which a list is shown. */
const RECORDS_BEFORE = 10;

const TABS = {
  ...{ json: "JSON", text: "Text" },
  ...{ int32: "int32", int64: "int64", uuid: "UUID" },
  ...{ hex: "Hex", base64: "Base64" },
} as const;

type Tab = keyof typeof TABS;

interface RecordPanelEvents {
  closed(): void;
  /** Another way to show the value was chosen. */
  chose(tab: string): void;
  step(by: 1 | -1): void;
  /** A field is to be shown as a column. */
  chosePath(path: string): void;
}

export class RecordPanel {
  readonly root: HTMLElement;
  readonly #context: Pick<PageContext, "notices" | "session">;
  readonly #events: RecordPanelEvents;
  readonly #content = element("div", { class: "content" });
  readonly #title = element("h2");
  #cancel = new AbortController();
  #tab = "";
  #keyView: KeyView = { as: "", types: new Set() };
  #shown = "";

  constructor(context: Pick<PageContext, "notices" | "session">, events: RecordPanelEvents) {
    this.#context = context;
    this.#events = events;
    this.root = element(
      "aside",
      { class: "card record-panel", "aria-label": "Record", tabindex: -1, hidden: true },
      element(
        "div",
        { class: "view-head" },
        this.#title,
        element(
          "div",
          { class: "actions" },
          button("↑", () => events.step(-1), {
            "aria-label": "Previous record",
            title: "Previous record",
          }),
          button("↓", () => events.step(1), { "aria-label": "Next record", title: "Next record" }),
          button("Close", () => events.closed(), { "aria-keyshortcuts": "Escape" }),
        ),
      ),
      this.#content,
    );
  }

  get isOpen(): boolean {
    return !this.root.hidden;
  }

  close(): void {
    this.#cancel.abort();
    this.root.hidden = true;
    this.#shown = "";
  }

  /** Shows a record. */
  async open(
    topic: string,
    partition: number,
    offset: number,
    tab: string,
    keyView: KeyView,
  ): Promise<void> {
    this.root.hidden = false;
    const key = `${topic} ${partition} ${offset} ${keyView.as}`;
    const isSame = this.#shown === key && this.#tab === tab;
    if (isSame) return;
    this.#shown = key;
    this.#tab = tab;
    this.#keyView = keyView;
    this.#cancel.abort();
    const cancel = new AbortController();
    this.#cancel = cancel;
    this.#title.title = topic;
    this.#title.textContent = `${shortText(topic)} ${partition}, offset ${formatCount(offset)}`;
    const path = pathOfRecord(topic, partition, offset);
    try {
      const record = await askRecord(path, cancel.signal);
      if (cancel.signal.aborted) return;
      this.#show(record, topic, partition, path);
    } catch (error) {
      if (cancel.signal.aborted) return;
      this.#shown = "";
      this.#content.replaceChildren(
        failure(error),
        element(
          "div",
          { class: "actions" },
          isPassing(error)
            ? button("Try again", () => void this.open(topic, partition, offset, tab, keyView))
            : link(
                "The newest records of the partition",
                hrefOf("records", [topic], { partition }),
              ),
        ),
      );
    }
  }

  #show(record: ShownRecord, topic: string, partition: number, path: string): void {
    const { offset, timestamp, bytes, batch, place, index, key, value, decoded } = record;
    const where =
      place === null
        ? ""
        : `, position ${formatCount(place.position)} of segment ${formatCount(place.segment)}`;
    const facts: readonly (readonly [string, string | Node])[] = [
      ["time", timestamp < 0 ? timeText(timestamp, true) : formatTime(timestamp)],
      ["size", `${formatBytes(bytes)} in the batch`],
      [
        "batch",
        `record ${index + 1} of ${formatCount(batch.count)} in offsets ${formatCount(batch.base)} to ${formatCount(batch.last)}${where}; ${formatBytes(batch.bytes)}${batch.codec === "none" ? "" : ` ${batch.codec}`}`,
      ],
      ...(decoded === null ? [] : [["says", printable(decoded)] as const]),
    ];
    this.#content.replaceChildren(
      element(
        "dl",
        { class: "facts" },
        ...facts.flatMap(([name, text]) => [element("dt", {}, name), element("dd", {}, text)]),
      ),
      element(
        "div",
        { class: "actions small" },
        link("Bytes in the log", hrefOf("log", [topic, partition], { offset })),
        link("Play the lookup", hrefOf("log", [topic, partition], { lookup: offset })),
        link("Records around it", hrefOfPlace(around(topic, partition, offset))),
        ...this.#sameKey(topic, partition, key),
        ...this.#writing(record, topic, partition, path),
        element("a", { class: "button", href: `${path}/line`, download: "" }, "Download as JSON"),
        button("Copy link", () => this.#copyLink(topic, partition, offset)),
      ),
      ...this.#part("Key", key, `${path}/key`, false),
      ...this.#part("Value", value, `${path}/value`, true),
      ...headersPart(record),
    );
  }

  /** A search for the records of the same key, which are all in this partition. */
  #sameKey(topic: string, partition: number, key: ShownBytes | null): HTMLElement[] {
    const bytes = key === null ? undefined : bytesOfBase64(key.base64);
    if (bytes === undefined || bytes.length !== key?.bytes) return [];
    const search = searchOfKey(bytes, this.#keyView);
    if (search === undefined) return [];
    const { find, keys } = search;
    const conditions = [{ find, in: "key", isNegated: false }];
    const place = { ...around(topic, partition, 0), from: "", record: undefined, conditions, keys };
    return [link("Same key", hrefOfPlace(place))];
  }

  /** What writes another record: only where the visitor may. */
  #writing(record: ShownRecord, topic: string, partition: number, path: string): HTMLElement[] {
    const { offset, batch, decoded } = record;
    if (!this.#context.session.mayProduce || batch.isControl || decoded !== null) return [];
    const copy = copiedPlaceText({ topic, partition, offset });
    const again = link("Produce again", hrefOf("produce", [], { copy }));
    if (!isDeletable(record)) return [again];
    const remove = button("Delete this key", () => {
      this.#askToDelete(record, topic, partition, path).catch((error: unknown) =>
        this.#context.notices.fail(error),
      );
    });
    return [again, remove];
  }

  async #askToDelete(
    record: ShownRecord,
    topic: string,
    partition: number,
    path: string,
  ): Promise<void> {
    const key = await askKey(path, record);
    if (key === null) return;
    const text = {
      title: `Delete ${keyWords(key)}?`,
      body: deletionWords(topic, partition, record.tombstoneMs ?? 0),
      action: "Write a tombstone",
      isDanger: true,
    };
    await openDialog(text, async () => {
      const { offset } = await produce(tombstoneOrder(topic, partition, key));
      const place = { ...around(topic, partition, offset), from: String(offset) };
      this.#context.notices.sayWithLink(
        `Tombstone written: ${topic} ${partition}, offset ${formatCount(offset)}.`,
        element("a", { href: hrefOfPlace(place) }, "Show it"),
      );
    });
  }

  #copyLink(topic: string, partition: number, offset: number): void {
    const { href } = new URL(hrefOfPlace(around(topic, partition, offset)), location.href);
    copyText(href).then(
      () => this.#context.notices.say("Link copied."),
      (error: unknown) => this.#context.notices.fail(error),
    );
  }

  /** A part of the record, with its tabs if it is the value. */
  #part(title: string, shown: ShownBytes | null, path: string, hasTabs: boolean): HTMLElement[] {
    const head = element("h3", {}, title);
    if (shown === null) {
      const text = hasTabs
        ? "null: a tombstone, which deletes its key in a compacted topic"
        : "null";
      return [head, element("p", { class: "muted" }, text)];
    }
    const bytes = bytesOfBase64(shown.base64);
    const isCut = bytes.length < shown.bytes;
    const text = textOf(bytes, isCut);
    const tokens = text === undefined || isCut ? undefined : jsonTokens(text);
    const isJson = tokens !== undefined && /^\s*[[{]/.test(text ?? "");
    const type = isCut ? undefined : fixedTypeOf(bytes.length);
    const shownAs = hasTabs ? suitableType(bytes) : keyTabOf(bytes, this.#keyView);
    const plain = isReadable(text) ? "text" : "hex";
    const suitable: Tab = isCut ? plain : (shownAs ?? (isJson ? "json" : plain));
    const isUsable = (tab: Tab): boolean => {
      if (tab === "json") return tokens !== undefined;
      if (tab === "text") return text !== undefined;
      return tab === "hex" || tab === "base64" || tab === type;
    };
    const usable = (Object.keys(TABS) as Tab[]).filter(isUsable);
    const wanted = hasTabs ? usable.find((tab) => tab === this.#tab) : undefined;
    const body = element("div", { class: "bytes" });
    const size = element(
      "span",
      { class: "muted" },
      `${formatBytes(shown.bytes)}${isCut ? `, the first ${formatBytes(bytes.length)} are shown` : ""}`,
    );
    let chosen = wanted ?? suitable;
    const show = (tab: Tab): void => {
      chosen = tab;
      const confluent =
        tab === "json" || tab === type ? undefined : confluentText(bytes, shown.bytes);
      body.replaceChildren(
        ...(confluent === undefined ? [] : [element("p", { class: "muted" }, confluent)]),
        ...bodyOf(tab, bytes, text ?? "", tokens ?? [], shown.base64),
      );
    };
    const names = Object.fromEntries(usable.map((tab) => [tab, TABS[tab]]));
    const tabs = new Tabs(`${title} as`, names, body, (name) => {
      const tab = usable.find((each) => each === name) ?? suitable;
      show(tab);
      if (!hasTabs) return;
      this.#tab = tab === suitable ? "" : tab;
      this.#events.chose(this.#tab);
    });
    tabs.chosen = chosen;
    show(chosen);
    body.addEventListener("click", ({ target }) => {
      const name = target instanceof Element ? target.closest(".json-name") : null;
      // Text can be selected without this.
      if (name === null || getSelection()?.isCollapsed === false) return;
      const path = pathOfName(tokens ?? [], [...body.querySelectorAll(".json-name")].indexOf(name));
      this.#events.chosePath(hasTabs ? path : `key${path.slice(1)}`);
    });
    const copied = (): void => {
      const json = (tokens ?? []).map((each) => each.text).join("");
      const copy = chosen === "json" ? json : textIn(chosen, bytes, text ?? "", shown.base64);
      copyText(copy).then(
        () =>
          this.#context.notices.say(`${title} copied${isCut ? ", as far as it is shown" : ""}.`),
        (error: unknown) => this.#context.notices.fail(error),
      );
    };
    const actions = element(
      "div",
      { class: "part-head small" },
      head,
      size,
      button("Copy", copied, { "aria-label": `Copy the ${title.toLowerCase()}` }),
      element(
        "a",
        {
          class: "button",
          href: path,
          download: "",
          "aria-label": `Download the ${title.toLowerCase()}`,
        },
        "Download",
      ),
    );
    return [actions, tabs.root, body];
  }
}

/** The list that begins shortly before a record, with the record open. */
function around(topic: string, partition: number, offset: number): RecordsPlace {
  return {
    ...placeOf({ view: "records", path: [topic], query: new URLSearchParams() }),
    ...{ partition, from: String(Math.max(0, offset - RECORDS_BEFORE)) },
    record: { partition, offset },
  };
}

function bodyOf(
  tab: Tab,
  bytes: Uint8Array,
  text: string,
  tokens: NonNullable<ReturnType<typeof jsonTokens>>,
  base64: string,
): HTMLElement[] {
  if (tab === "json") {
    const shown = element("pre", { tabindex: 0 });
    let length = 0;
    let rest = "";
    for (const { text: part, kind } of tokens) {
      length += part.length;
      // A text is cheaper than elements.
      if (length > SHOWN_LENGTH) rest += part;
      else if (kind === "mark") shown.append(part);
      else {
        const title = kind === "name" ? "Show it as a column" : undefined;
        shown.append(element("span", { class: `json-${kind}`, title }, part));
      }
    }
    return [shown, ...moreOf(shown, rest)];
  }
  const whole = textIn(tab, bytes, printableLines(text), base64);
  const kind = tab === "text" || tab === "base64" ? "wrapped" : undefined;
  const shown = element("pre", { class: kind, tabindex: 0 }, whole.slice(0, SHOWN_LENGTH));
  return [shown, ...moreOf(shown, whole.slice(SHOWN_LENGTH))];
}

/** What a tab has, but for the marks of JSON. */
function textIn(
  tab: Exclude<Tab, "json">,
  bytes: Uint8Array,
  text: string,
  base64: string,
): string {
  if (tab === "text") return text;
  if (tab === "hex") return hexDump(bytes);
  return tab === "base64" ? base64 : (typedText(bytes, tab) ?? "");
}

/** A button for what was left out. */
function moreOf(shown: HTMLElement, rest: string): HTMLElement[] {
  if (rest === "") return [];
  const more = button(`Show the other ${formatCount(rest.length)} characters`, () => {
    shown.append(rest);
    more.remove();
  });
  return [more];
}

function headersPart({ headers, headerCount }: ShownRecord): HTMLElement[] {
  if (headerCount === 0) return [];
  const text = (shown: ShownBytes): string => {
    const bytes = bytesOfBase64(shown.base64);
    const isCut = bytes.length < shown.bytes;
    const decoded = textOf(bytes, isCut);
    return (
      (decoded === undefined ? `base64 ${shown.base64}` : printable(decoded)) + (isCut ? "…" : "")
    );
  };
  const rows = headers.map(({ name, value }) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, text(name)),
      element("td", {}, value === null ? element("span", { class: "badge" }, "null") : text(value)),
    ),
  );
  const left = headerCount - headers.length;
  const note = left > 0 ? [element("p", { class: "muted" }, `and ${formatCount(left)} more`)] : [];
  return [
    element("h3", {}, "Headers"),
    element(
      "div",
      { class: "table headers", tabindex: 0, role: "region", "aria-label": "Headers" },
      element("table", {}, element("caption", {}, "Headers"), element("tbody", {}, ...rows)),
    ),
    ...note,
  ];
}
