// Connects the parts of the page: the address to a view, events to the model, the model to the view. Read this file
// first. Leaves to others: the views (one folder each), what they may use (view.ts), addresses (router.ts).
import { askSession, logOut } from "./api.js";
import { listen } from "./events.js";
import { LogView } from "./log/log-view.js";
import { Model, SAMPLE_MS } from "./model.js";
import { button, byId, element, setText } from "./parts/dom.js";
import { link } from "./parts/empty.js";
import { Notices } from "./parts/notices.js";
import { onThemeChange, themeButton } from "./parts/theme.js";
import { ProblemStatus } from "./problems/problem-status.js";
import {
  hrefOf,
  type Route,
  routeOf,
  Router,
  unknownView,
  VIEW_NAMES,
  type ViewName,
} from "./router.js";
import { Strip } from "./strip.js";
import { TopicNames } from "./topic-names.js";
import type { PageContext, View } from "./view.js";
import type { Overview, SessionState, Tick } from "./wire.js";

/** Time until the broker is asked again that has not answered, in milliseconds. */
const RETRY_MS = 2000;

class Page {
  readonly #context: PageContext;
  readonly #strip: Strip;
  readonly #problems: ProblemStatus;
  readonly #topicNames = new TopicNames();
  readonly #views = new Map<ViewName, View>();
  readonly #main = byId("main", HTMLElement);
  readonly #log: LogView;
  #shown: View | undefined;
  #wasLost = false;
  #lostTimer: ReturnType<typeof setInterval> | undefined;

  constructor(session: SessionState) {
    const router = new Router({
      changed: (route) => this.#go(route),
      noted: () => this.#linkTabs(),
      problems: (areShown) => void this.#problems.open(areShown),
    });
    const notices = new Notices(byId("notices", HTMLElement));
    this.#context = { model: new Model(), session, router, notices };
    this.#strip = new Strip(this.#context);
    this.#problems = new ProblemStatus(this.#context, (list) => this.#strip.showState(list));
    this.#log = new LogView(this.#context);
    this.#views.set("log", this.#log);
  }

  start(): void {
    this.#navigate();
    onThemeChange(() => {
      this.#shown?.repaint?.();
      this.#strip.update();
    });
    this.#context.router.start();
    listen(this.#context.session.csrfToken, {
      overview: (overview) => this.#overview(overview),
      tick: (tick) => this.#tick(tick),
      connected: (isConnected) => this.#connected(isConnected),
    });
  }

  /** While the broker does not respond, its rates are zero. */
  #connected(isConnected: boolean): void {
    this.#strip.showConnected(isConnected);
    this.#problems.connected(isConnected);
    clearInterval(this.#lostTimer);
    if (isConnected) {
      if (this.#wasLost) void this.#compareSession();
      this.#wasLost = false;
      return;
    }
    this.#wasLost = true;
    const show = (): void => {
      this.#context.model.lost();
      this.#strip.update();
    };
    show();
    this.#lostTimer = setInterval(show, SAMPLE_MS);
  }

  /** A broker that has restarted may let the visitor do more or less than before. */
  async #compareSession(): Promise<void> {
    const now = await askSession().catch(() => undefined);
    const textOf = (session: SessionState): string =>
      JSON.stringify({ ...session, csrfToken: null });
    if (now === undefined || textOf(now) === textOf(this.#context.session)) return;
    const text = "what you may do on this page has changed: reload it to see that";
    this.#context.notices.fail(new Error(text));
  }

  #overview(overview: Overview): void {
    this.#context.model.reset(overview);
    setText(
      byId("about", HTMLElement),
      `${overview.version} at ${overview.address}, flush ${overview.flush}`,
    );
    this.#topicNames.offer(overview.topics);
    for (const view of this.#views.values()) view.overview?.();
    this.#strip.update();
  }

  #tick(tick: Tick): void {
    this.#context.model.update(tick);
    for (const view of this.#views.values()) view.tick?.(tick);
    this.#strip.update();
  }

  /** Shows a place. */
  #go(route: Route): void {
    const unknown = unknownView(location.hash);
    if (unknown !== undefined) {
      const views = VIEW_NAMES.join(", ");
      this.#context.notices.fail(
        new Error(`there is no view “${unknown}”, so this is the log; the views are ${views}`),
      );
    }
    if (!this.#mayUse(route.view)) {
      const why = this.#context.session.isReadOnly ? READ_ONLY : MISSING_RIGHTS;
      this.#context.notices.fail(new Error(why[route.view] ?? MISSING_RIGHTS[route.view]));
      this.#context.router.replace(hrefOf("log"));
      return;
    }
    const view = this.#views.get(route.view);
    if (view === undefined) {
      void this.#load(route.view);
      return;
    }
    const isOther = this.#shown !== view;
    if (isOther) {
      this.#shown?.hide();
      this.#context.notices.leaveView();
      this.#main.replaceChildren(view.root);
    }
    const isFirst = this.#shown === undefined;
    this.#shown = view;
    document.title = `${view.show(route)} – RustLog`;
    for (const link of byId("views", HTMLElement).querySelectorAll("a")) {
      if (link.dataset.view === route.view) link.ariaCurrent = "page";
      else link.removeAttribute("aria-current");
    }
    this.#linkTabs();
    if (isFirst) return;
    // What had the focus may be gone: the deleted topic, or the dialog's opener.
    if (document.activeElement === document.body) this.#main.focus({ preventScroll: true });
    if (!isOther) return;
    scrollTo({ top: 0, behavior: "instant" });
    this.#main.focus({ preventScroll: true });
  }

  /** Between the drawing of a topic and its records, one step leads to the other. */
  #linkTabs(): void {
    const { topic, partition } = this.#topicHere();
    for (const link of byId("views", HTMLElement).querySelectorAll("a")) {
      const { view } = routeOf(link.hash);
      if (topic !== undefined && view === "records") {
        link.href = hrefOf(view, [topic], { partition });
      } else if (topic !== undefined && view === "log") {
        link.href = hrefOf(view, partition === undefined ? [topic] : [topic, partition]);
      } else link.href = hrefOf(view);
    }
  }

  /** Makes a view on its first use, and shows the place if that is still wanted. */
  async #load(name: ViewName): Promise<void> {
    const { router, notices } = this.#context;
    try {
      const made = await this.#make(name);
      if (!this.#views.has(name)) this.#views.set(name, made);
    } catch {
      notices.fail(new Error("this view could not be loaded; reload the page to try again"));
      return;
    }
    if (router.current.view === name) this.#go(router.current);
  }

  /** The code of a view is a file of its own, so that the first view is there soon. */
  async #make(name: ViewName): Promise<View> {
    const context = this.#context;
    switch (name) {
      case "records":
        return new (await import("./records/records-view.js")).RecordsView(context);
      case "topics":
        return new (await import("./topics/topics-view.js")).TopicsView(context);
      case "groups":
        return new (await import("./groups/groups-view.js")).GroupsView(context);
      case "connections":
        return new (await import("./connections/connections-view.js")).ConnectionsView(context);
      case "produce":
        return new (await import("./produce/produce-view.js")).ProduceView(context, this.#log);
      default:
        return this.#log;
    }
  }

  #mayUse(name: ViewName): boolean {
    const { mayRead, mayProduce, seesCluster } = this.#context.session;
    if (name === "records") return mayRead;
    if (name === "produce") return mayProduce;
    return name !== "connections" || seesCluster;
  }

  /** The links and buttons of the head. */
  #navigate(): void {
    const { session, router } = this.#context;
    const tabs = VIEW_NAMES.filter((name) => TITLES[name] !== undefined && this.#mayUse(name));
    byId("views", HTMLElement).append(
      ...tabs.map((name) =>
        element("a", { href: hrefOf(name), "data-view": name }, TITLES[name] ?? ""),
      ),
    );
    const actions = byId("actions", HTMLElement);
    if (session.mayRead) {
      actions.append(button("Look up", () => this.#lookUp(), { "aria-keyshortcuts": "/" }));
    }
    if (session.mayProduce) {
      actions.append(button("Produce", () => router.go(hrefOf("produce", [], this.#topicHere()))));
    }
    actions.append(link("Tour", hrefOf("log", [], { tour: 1 })), themeButton());
    document.addEventListener("keydown", (event) => {
      const isTyping = event.target instanceof Element && event.target.matches(FIELDS);
      if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || !session.mayRead)
        return;
      event.preventDefault();
      this.#lookUp();
    });
    if (session.user === null) return;
    const leave = button("Log out", () => void logOut());
    actions.append(element("p", { class: "user" }, element("span", {}, session.user), leave));
  }

  /** Leads to the form of lookups, with the topic that is shown now. */
  #lookUp(): void {
    const { topic, partition } = this.#topicHere();
    if (this.#shown !== this.#log) this.#context.router.go(hrefOf("log"));
    this.#log.askForLookup(topic, partition);
  }

  /** The topic and the partition of the current place. */
  #topicHere(): { topic?: string; partition?: string } {
    const { view, path, query } = this.#context.router.current;
    const [topic, partition = query.get("partition") ?? undefined] = path;
    if (topic === undefined || view === "groups") return {};
    return partition === undefined ? { topic } : { topic, partition };
  }
}

/** Why a view can't be used. */
const MISSING_RIGHTS: Readonly<Partial<Record<ViewName, string>>> = {
  records: "you may not read any topic, so its records can't be shown to you",
  connections: "you may not see the connections: that needs DESCRIBE on the cluster",
  produce: "you may not write to any topic",
};
const READ_ONLY: Readonly<Partial<Record<ViewName, string>>> = {
  produce: "this page is read-only (--ui-read-only), so no record can be written here",
};

const FIELDS = "input, select, textarea";

/** What the tabs of the views say. */
const TITLES: Readonly<Partial<Record<ViewName, string>>> = {
  log: "Log",
  records: "Records",
  topics: "Topics",
  groups: "Groups",
  connections: "Connections",
};

async function start(): Promise<void> {
  for (;;) {
    const session = await askSession().catch(() => undefined);
    if (session !== undefined) {
      new Page(session).start();
      return;
    }
    setText(byId("status", HTMLElement), "the broker does not respond; retrying");
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

// A page of another origin could show this one in a frame and trick a person into clicking on it.
if (window.top === window) void start();
else setText(byId("status", HTMLElement), "This page does not work inside a frame.");
