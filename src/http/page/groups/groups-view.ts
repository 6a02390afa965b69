// The groups view: the list of groups, or one of them.
// Leaves to others: both (group-list.ts, group-page.ts), and the marks of groups in the drawing (log/row.ts).
import { element } from "../parts/dom.js";
import { nameText, shortText } from "../parts/names.js";
import type { Route } from "../router.js";
import type { PageContext, View } from "../view.js";
import { GroupList } from "./group-list.js";
import { GroupPage } from "./group-page.js";

export class GroupsView implements View {
  readonly root = element("section", { id: "groups" });
  readonly #list: GroupList;
  readonly #page: GroupPage;

  constructor(context: PageContext) {
    this.#list = new GroupList(context);
    this.#page = new GroupPage(context);
  }

  show({ path: [group], query }: Route): string {
    const shown = group === undefined ? this.#list : this.#page;
    if (this.root.firstChild !== shown.root) {
      this.hide();
      this.root.replaceChildren(shown.root);
    }
    if (group === undefined) {
      this.#list.show(query);
      return "Groups";
    }
    this.#page.show(group, query);
    return `${shortText(nameText(group))} – Groups`;
  }

  hide(): void {
    this.#list.hide();
    this.#page.hide();
  }
}
