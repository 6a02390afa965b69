// The topics view: the list, or one topic. Leaves to others: both of them (topic-list.ts, topic-page.ts).
import { element } from "../parts/dom.js";
import { hrefOf, type Route } from "../router.js";
import type { PageContext, View } from "../view.js";
import { createDialog } from "./topic-dialogs.js";
import { TopicList } from "./topic-list.js";
import { TopicPage } from "./topic-page.js";

/** How often numbers are renewed, in milliseconds. */
const RENEW_MS = 1000;

export class TopicsView implements View {
  readonly root = element("div", { class: "topics-view" });
  readonly #context: PageContext;
  readonly #list: TopicList;
  readonly #page: TopicPage;
  #isShown = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(context: PageContext) {
    this.#context = context;
    this.#list = new TopicList(
      context,
      () => void this.#create(context.router.current.query.get("filter") ?? ""),
    );
    this.#page = new TopicPage(context);
  }

  show(route: Route): string {
    this.#isShown = true;
    const isList = route.path.length === 0;
    const shown = isList ? this.#list.root : this.#page.root;
    if (this.root.firstElementChild !== shown) {
      this.root.replaceChildren(shown);
      scrollTo({ top: 0, behavior: "instant" });
    }
    this.#timer ??= setInterval(() => this.#renew(), RENEW_MS);
    if (!isList) return this.#page.show(route);
    this.#page.hide();
    this.#list.show(route);
    this.#page.listHref = this.#list.href;
    const wanted = route.query.get("create");
    if (wanted !== null && this.#context.session.mayCreateTopics) {
      // Back leads to where the name came from, and not to the question again.
      this.#context.router.note(hrefOf("topics"));
      void this.#create(wanted);
    }
    return "Topics";
  }

  hide(): void {
    this.#isShown = false;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#page.hide();
  }

  overview(): void {
    if (!this.#isShown) return;
    this.#page.changed();
    if (this.#list.root.isConnected) this.#list.renew();
  }

  /** By a timer and not with each event: numbers that change five times a second can't be read. */
  #renew(): void {
    if (this.#list.root.isConnected) this.#list.renew();
    else this.#page.renew();
  }

  /** Asks for what a new topic needs; its name may be this. */
  async #create(suggested: string): Promise<void> {
    const { notices, router } = this.#context;
    try {
      const name = await createDialog({ name: suggested });
      if (name === undefined) return;
      notices.say(`Created topic ${name}.`);
      router.go(hrefOf("topics", [name]));
    } catch (error) {
      notices.fail(error);
    }
  }
}
