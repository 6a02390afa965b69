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

/** In a query, it opens the list of problems, whatever the view: it is no part of the place. */
const PROBLEMS = "problems";

/** Values of a query by name; those that are undefined or "" are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

/** Reads the part of an address after `#`. Every text has a place: of what is unknown, the log. */
export function routeOf(hash: string): Route {
  const [path = "", query = ""] = split(hash.replace(/^#?\/?/, ""));
  const [name = "", ...rest] = path.split("/").map(decoded);
  const view = VIEW_NAMES.find((each) => each === name);
  // A group may have an empty name, and then its address ends with a slash.
  const places = view === "groups" ? rest : rest.filter((part) => part !== "");
  return {
    view: view ?? "log",
    path: view === undefined ? [] : places,
    query: new URLSearchParams(withoutProblems(query)),
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
  const text = queryText(query);
  return `#/${parts.join("/")}${text === "" ? "" : `?${text}`}`;
}

export function queryText(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") parameters.set(name, String(value));
  }
  return parameters.toString();
}

interface RouterListener {
  /** The address leads to another place. */
  changed(route: Route): void;
  /** The address says more of the place that is shown. */
  noted(): void;
  /** The list of problems is to be shown, or not to be shown any more. */
  problems(areShown: boolean): void;
}

/** Tells one listener about every change of place. */
export class Router {
  readonly #listener: RouterListener;
  /** The place without the list of problems; undefined before the first one. */
  #shown: string | undefined;
  #areProblemsShown = false;

  constructor(listener: RouterListener) {
    this.#listener = listener;
  }

  get current(): Route {
    return routeOf(location.hash);
  }

  get areProblemsShown(): boolean {
    return this.#areProblemsShown;
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
    history.replaceState(null, "", this.#kept(href));
    this.#changed();
  }

  /** Shows the list of problems beside the place, or hides it, without a step back. */
  showProblems(areShown: boolean): void {
    if (areShown === this.#areProblemsShown) return;
    const [path, query] = split(location.hash);
    const place = areShown ? hrefWith(path, query) : hrefWithout(path, query);
    history.replaceState(null, "", place);
    this.#changed();
  }

  /** Changes the address of what is already shown. */
  note(href: string): void {
    history.replaceState(null, "", this.#kept(href));
    this.#shown = placeIn(location.hash);
    this.#listener.noted();
  }

  /** The list stays open while the address says more or less of what is shown. */
  #kept(href: string): string {
    return this.#areProblemsShown ? hrefWith(...split(href)) : href;
  }

  #changed(): void {
    const place = placeIn(location.hash);
    const areProblemsShown = new URLSearchParams(split(location.hash)[1]).has(PROBLEMS);
    const isOther = place !== this.#shown;
    this.#shown = place;
    if (areProblemsShown !== this.#areProblemsShown) {
      this.#areProblemsShown = areProblemsShown;
      this.#listener.problems(areProblemsShown);
    }
    if (isOther) this.#listener.changed(this.current);
  }
}

function placeIn(hash: string): string {
  return hrefWithout(...split(hash));
}

function hrefWith(path: string, query: string): string {
  const rest = withoutProblems(query);
  return `${path === "" ? hrefOf("log") : path}?${rest === "" ? "" : `${rest}&`}${PROBLEMS}=1`;
}

function hrefWithout(path: string, query: string): string {
  const rest = withoutProblems(query);
  return rest === "" ? path || "#" : `${path}?${rest}`;
}

function withoutProblems(query: string): string {
  const parts = query.split("&").filter((part) => part.split("=")[0] !== PROBLEMS);
  return parts.join("&");
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
