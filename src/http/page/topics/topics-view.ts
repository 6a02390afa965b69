// The topics view: the list, or one topic. Leaves to others: both of them (topic-list.ts, topic-page.ts).
import { element } from "../parts/dom.js";
import { hrefOf, type Route } from "../router.js";
import type { PageContext, View } from "../view.js";
import { createDialog } from "./topic-dialogs.js";
import { TopicList } from "./topic-list.js";
import { TopicPage } from "./topic-page.js";

export class TopicsView implements View {
  readonly root = element("div", { class: "topics-view" });
  readonly #context: PageContext;
  readonly #list: TopicList;
  readonly #page: TopicPage;
  #isShown = false;

  constructor(context: PageContext) {
    this.#context = context;
    this.#list = new TopicList(context, () => void this.#create());
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
    if (!isList) return this.#page.show(route);
    this.#page.hide();
    this.#list.show(route);
    return "Topics";
  }

  hide(): void {
    this.#isShown = false;
    this.#page.hide();
  }

  overview(): void {
    if (!this.#isShown) return;
    this.#page.changed();
    this.#list.renew(performance.now(), true);
  }

  tick(): void {
    if (!this.#isShown) return;
    const nowMs = performance.now();
    this.#page.renew(nowMs);
    if (this.#list.root.isConnected) this.#list.renew(nowMs);
  }

  async #create(): Promise<void> {
    const { notices, router } = this.#context;
    try {
      const name = await createDialog(router.current.query.get("filter") ?? "");
      if (name === undefined) return;
      notices.say(`Created topic ${name}`);
      router.go(hrefOf("topics", [name]));
    } catch (error) {
      notices.fail(error);
    }
  }
}
