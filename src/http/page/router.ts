// Which place of the page is shown: the part of the address after `#`, which can be shared, and to which back and forward
// lead. It never leaves the browser, so no server and no proxy logs what is looked at.
// Leaves to others: showing the place (main.ts and the views).

/** The views, in the order of the navigation; the last one has no tab of its own. */
export const VIEW_NAMES = ["log", "records", "topics", "groups", "connections", "produce"] as const;

export type ViewName = (typeof VIEW_NAMES)[number];

/** A place: `#/records/orders?partition=2` is the view `records`, the path `orders`, and a query. */
export interface Route {
  readonly view: ViewName;
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

/** Values of a query by name; those that are undefined or "" are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

/** Reads the part of an address after `#`. Every text has a place: of what is unknown, the log. */
export function routeOf(hash: string): Route {
  const [path = "", query = ""] = split(hash.replace(/^#?\/?/, ""));
  const [name = "", ...rest] = path.split("/").map(decoded);
  const view = VIEW_NAMES.find((each) => each === name);
  const places = rest.filter((part) => part !== "");
  return {
    view: view ?? "log",
    path: view === undefined ? [] : places,
    query: new URLSearchParams(query),
  };
}

/** The view that an address names and that does not exist; undefined if it does. */
export function unknownView(hash: string): string | undefined {
  const [, name = ""] = /^#\/([^/?]+)/.exec(hash) ?? [];
  return name === "" || VIEW_NAMES.some((each) => each === name) ? undefined : decoded(name);
}

/** The address of a place, for a link. */
export function hrefOf(view: ViewName, path: readonly (string | number)[] = [], query: Query = {}) {
  const parts = [view, ...path.map((part) => encodeURIComponent(part))];
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return `#/${parts.join("/")}${text === "" ? "" : `?${text}`}`;
}

interface RouterListener {
  /** The address leads to another place. */
  changed(route: Route): void;
  /** The address says more of the place that is shown. */
  noted(): void;
}

/** Tells one listener about every change of place. */
export class Router {
  readonly #listener: RouterListener;
  #shown = "";

  constructor(listener: RouterListener) {
    this.#listener = listener;
  }

  get current(): Route {
    return routeOf(location.hash);
  }

  /** Shows the current place, and each that follows. */
  start(): void {
    addEventListener("hashchange", () => this.#changed());
    this.#changed();
  }

  /** Goes to a place; back leads to where the page is now. */
  go(href: string): void {
    history.pushState(null, "", href);
    this.#changed();
  }

  /** Goes to a place without a step back, as for each character of a filter. */
  replace(href: string): void {
    history.replaceState(null, "", href);
    this.#changed();
  }

  /** Changes the address of what is already shown. */
  note(href: string): void {
    history.replaceState(null, "", href);
    this.#shown = location.hash;
    this.#listener.noted();
  }

  #changed(): void {
    if (this.#shown === location.hash && this.#shown !== "") return;
    this.#shown = location.hash;
    this.#listener.changed(this.current);
  }
}

function split(text: string): [string, string] {
  const at = text.indexOf("?");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
