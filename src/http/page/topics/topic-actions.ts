// What a visitor may do to a topic: a button for each, and what is said once it is done.
// Leaves to others: the dialogs (topic-dialogs.ts, trim-dialog.ts), and following a compaction (compaction-panel.ts).
import { button, element } from "../parts/dom.js";
import { hrefOf } from "../router.js";
import type { PageContext } from "../view.js";
import {
  compactDialog,
  createDialog,
  deleteDialog,
  type NamedTopicDetail,
  partitionsDialog,
  settingDialog,
} from "./topic-dialogs.js";
import type { TopicRight } from "./topic-wire.js";
import { trimDialog } from "./trim-dialog.js";

interface TopicActionsEvents {
  /** Something may have been changed. */
  done(): void;
  /** A compaction is to be begun, and followed. */
  compact(topic: NamedTopicDetail): void;
}

type Act = (topic: NamedTopicDetail) => Promise<void>;

export class TopicActions {
  readonly root = element("div", { class: "actions" });
  readonly #context: PageContext;
  readonly #events: TopicActionsEvents;
  #topic: NamedTopicDetail | undefined;
  /** The topic and the buttons that are shown. */
  #shown = "";

  constructor(context: PageContext, events: TopicActionsEvents) {
    this.#context = context;
    this.#events = events;
  }

  /** Shows the buttons for a topic; undefined while it is not known. */
  show(topic: NamedTopicDetail | undefined): void {
    this.#topic = topic;
    const actions = topic === undefined ? [] : this.#possible(topic);
    // They are replaced only if they change, so that they keep the focus.
    const shown = [topic?.name, ...actions.map(([text]) => text)].join();
    if (this.#shown === shown) return;
    this.#shown = shown;
    this.root.replaceChildren(
      ...actions.map(([text, act]) => button(text, () => void this.#act(act))),
    );
  }

  /** Asks for another value of a setting. */
  async edit(name: string): Promise<void> {
    await this.#act(async (topic) => {
      const setting = topic.detail.settings.find((each) => each.name === name);
      if (setting === undefined || !(await settingDialog(topic, setting))) return;
      this.#context.notices.say(`Changed ${name} of ${topic.name}`);
    });
  }

  #possible({ detail }: NamedTopicDetail): [text: string, act: Act][] {
    const may = (right: TopicRight) => detail.may.includes(right);
    const { mayCreateTopics } = this.#context.session;
    const isCompacted = detail.dirtyBytes !== null;
    const policy = detail.settings.find(({ name }) => name === "cleanup.policy")?.value ?? "";
    const isTrimmable = !isCompacted || policy.includes("delete");
    const actions: [text: string, isPossible: boolean, act: Act][] = [
      [
        "Create one like it",
        mayCreateTopics && !detail.internal,
        (topic) => this.#createLike(topic),
      ],
      ["Add partitions", may("ALTER"), (topic) => this.#addPartitions(topic)],
      ["Trim", may("DELETE") && isTrimmable, (topic) => this.#trim(topic)],
      ["Compact now", may("ALTER") && isCompacted, (topic) => this.#compact(topic)],
      ["Delete", may("DELETE"), (topic) => this.#delete(topic)],
    ];
    return actions.flatMap(([text, isPossible, act]) => (isPossible ? [[text, act]] : []));
  }

  async #act(act: Act): Promise<void> {
    if (this.#topic === undefined) return;
    try {
      await act(this.#topic);
    } catch (error) {
      this.#context.notices.fail(error);
    }
    this.#events.done();
  }

  async #createLike(like: NamedTopicDetail): Promise<void> {
    const name = await createDialog({ like });
    if (name === undefined) return;
    this.#context.notices.say(`Created topic ${name}.`);
    this.#context.router.go(hrefOf("topics", [name]));
  }

  async #addPartitions(topic: NamedTopicDetail): Promise<void> {
    if (await partitionsDialog(topic))
      this.#context.notices.say(`${topic.name} has more partitions.`);
  }

  async #trim(topic: NamedTopicDetail): Promise<void> {
    if (await trimDialog(topic)) this.#context.notices.say(`Trimmed ${topic.name}.`);
  }

  async #compact(topic: NamedTopicDetail): Promise<void> {
    if (await compactDialog(topic)) this.#events.compact(topic);
  }

  async #delete({ name }: NamedTopicDetail): Promise<void> {
    if (!(await deleteDialog(name))) return;
    this.#context.notices.say(`Deleted topic ${name}.`);
    this.#context.router.go(hrefOf("topics"));
  }
}
