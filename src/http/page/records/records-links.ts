// Where the list of records leads: to older and newer records, to both ends, and to a download of the same records.
// Leaves to others: the address of a place (records-place.ts), and of a download (records-words.ts).
import { element } from "../parts/dom.js";
import type { LoadedRecords } from "./record-load.js";
import { firstPageOf, hrefOfPlace, isRange, isSearch, type RecordsPlace } from "./records-place.js";
import { downloadOf } from "./records-words.js";

export class RecordsLinks {
  readonly #older = pageLink("◀ Older");
  readonly #newer = pageLink("Newer ▶");
  readonly #oldest = pageLink("Oldest");
  readonly #newest = pageLink("Newest");
  readonly pages = [this.#oldest, this.#older, this.#newer, this.#newest] as const;
  readonly download = element("a", { class: "button", role: "link", download: "" }, "Download");

  /** `loaded` is undefined while the broker has not answered. */
  show(place: RecordsPlace, loaded: LoadedRecords | undefined): void {
    const first = firstPageOf({ ...place, isTail: false });
    const isOfRange = isRange(place);
    const hasOlder = isOfRange
      ? loaded?.start !== loaded?.last.from
      : loaded?.last.hasOlder === true;
    const hasNewer = isOfRange ? loaded?.end !== loaded?.last.to : loaded?.last.hasNewer === true;
    const at = (dir: "newer" | "older", text = ""): string =>
      hrefOfPlace({ ...first, at: text, dir });
    setLink(this.#older, hasOlder ? at("older", loaded?.start) : undefined);
    setLink(this.#newer, hasNewer ? at("newer", loaded?.end) : undefined);
    const ends = isOfRange ? first : { ...first, from: "" };
    setLink(this.#oldest, hasOlder ? hrefOfPlace({ ...ends, dir: "newer" }) : undefined);
    setLink(this.#newest, hasNewer ? hrefOfPlace({ ...ends, dir: "older" }) : undefined);
    this.download.textContent = isSearch(place) ? "Download all matches" : "Download these";
    setLink(this.download, loaded === undefined ? undefined : downloadOf(place, loaded));
  }
}

/** A link that may be without an address. */
function pageLink(text: string): HTMLAnchorElement {
  return element("a", { class: "button", role: "link" }, text);
}

/** A link without an address can't be followed. */
function setLink(anchor: HTMLAnchorElement, href: string | undefined): void {
  if (href === undefined) {
    anchor.removeAttribute("href");
    anchor.ariaDisabled = "true";
  } else {
    anchor.href = href;
    anchor.removeAttribute("aria-disabled");
  }
}
