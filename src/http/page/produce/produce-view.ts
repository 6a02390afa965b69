// The produce view: a form for one record, which stays for the next one, and may begin as a copy of another record; where the
// last ones went; and the way of a record in as steps on the drawing.
// Leaves to others: writing it (http/api/produce.ts), the form (produce-form.ts), what the steps say (produce-steps.ts), the
// drawing (../log/).
import { Refused } from "../api.js";
import type { LogView } from "../log/log-view.js";
import { openDialog } from "../parts/dialog.js";
import { button, element, failure } from "../parts/dom.js";
import { link } from "../parts/empty.js";
import { formatCount } from "../parts/format.js";
import { askKey, askRecord, pathOfRecord } from "../records/record-api.js";
import { hrefOf, type Route } from "../router.js";
import type { PageContext, View } from "../view.js";
import type { ProduceOrder, ProduceReport } from "./produce-wire.js";
import { produce } from "./produce-api.js";
import { ProduceForm } from "./produce-form.js";
import { produceStory } from "./produce-steps.js";
import { choiceText, newTopicText } from "./produce-words.js";
import { copiedPlaceOf, copiedPlaceWords, copyOf } from "./record-copy.js";
import { similarNames } from "../similar-names.js";

/** Sent records that are listed. */
const SENT_SHOWN_MAX = 10;

export class ProduceView implements View {
  readonly #context: PageContext;
  readonly #log: LogView;
  readonly #form: ProduceForm;
  readonly #copied = element("p", { class: "copied", role: "status" });
  readonly #said = element("div", { class: "said" });
  readonly #send = element("button", { type: "submit" }, "Send");
  readonly #follow = button("Send and follow", () => void this.#submit(true));
  readonly #sent = element("ol", { class: "sent small" });
  readonly root: HTMLElement;
  #isBusy = false;
  #isCopying = false;
  #copying = new AbortController();

  /** `log` shows the steps. */
  constructor(context: PageContext, log: LogView) {
    this.#context = context;
    this.#log = log;
    this.#form = new ProduceForm(context.model, () => this.#note());
    const form = element(
      "form",
      { id: "produce", class: "card", autocomplete: "off", "aria-label": "Produce" },
      this.#copied,
      this.#form.root,
      this.#said,
      element(
        "div",
        { class: "actions" },
        this.#send,
        this.#follow,
        button("Clear", () => this.#clear(), { title: "Empty all fields but the topic" }),
        element(
          "p",
          { class: "muted" },
          element("kbd", {}, "Ctrl"),
          " ",
          element("kbd", {}, "Enter"),
          " sends",
        ),
      ),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit(false);
    });
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      const isSent = event.ctrlKey || event.metaKey;
      // Enter alone would send a record that is not complete yet, and nobody can take that back.
      if (isSent || event.target instanceof HTMLInputElement) event.preventDefault();
      if (isSent && form.reportValidity()) void this.#submit(false);
    });
    this.root = element(
      "div",
      { class: "produce-view" },
      element("div", { class: "view-head" }, element("h2", {}, "Produce a record")),
      form,
      element("div", { role: "status", "aria-label": "Sent records" }, this.#sent),
    );
  }

  show({ query }: Route): string {
    this.#stopCopying();
    const copied = query.get("copy");
    if (copied !== null) void this.#copy(copied);
    else {
      this.#form.enter(query);
      this.#form.offer(this.#context.model.topics);
    }
    return "Produce";
  }

  hide(): void {
    this.#stopCopying();
  }

  overview(): void {
    this.#form.offer(this.#context.model.topics);
  }

  /** Fills the form with the record that an address names. */
  async #copy(text: string): Promise<void> {
    const copying = new AbortController();
    const { signal } = copying;
    this.#copying = copying;
    this.#said.replaceChildren();
    this.#copied.replaceChildren("loading the record …");
    this.#isCopying = true;
    try {
      const place = copiedPlaceOf(text);
      const { topic, partition, offset } = place;
      const path = pathOfRecord(topic, partition, offset);
      const record = await askRecord(path, signal);
      const copy = copyOf(topic, record, await askKey(path, record, signal));
      if (signal.aborted) return;
      this.#isCopying = false;
      this.#form.fill(copy);
      const shown = { partition, from: offset, record: `${partition}/${offset}` };
      const href = hrefOf("records", [topic], shown);
      this.#copied.replaceChildren("Copy of ", element("a", { href }, copiedPlaceWords(place)));
    } catch (error) {
      if (signal.aborted) return;
      this.#stopCopying();
      this.#said.replaceChildren(failure(error));
    }
  }

  #stopCopying(): void {
    if (this.#isCopying) this.#copied.replaceChildren();
    this.#copying.abort();
    this.#isCopying = false;
  }

  #clear(): void {
    this.#form.clear();
    this.#copied.replaceChildren();
    this.#said.replaceChildren();
    this.#note();
    this.#form.focus();
  }

  /** Keeps the address that of the form. What a person writes is not overwritten by a copy that comes late. */
  #note(): void {
    this.#stopCopying();
    const { topic, partition, key } = this.#form.place;
    this.#context.router.note(hrefOf("produce", [], { topic, partition, key }));
  }

  /** Sends what the form says, once at a time. */
  async #submit(isFollowed: boolean): Promise<void> {
    if (this.#isBusy) return;
    this.#said.replaceChildren();
    this.#setBusy(true);
    try {
      await this.#sendOrder(this.#form.order, isFollowed);
    } catch (error) {
      this.#refused(error);
    } finally {
      this.#setBusy(false);
    }
  }

  /** A button that is disabled would lose the focus. */
  #setBusy(isBusy: boolean): void {
    this.#isBusy = isBusy;
    this.#send.ariaDisabled = String(isBusy);
    this.#follow.ariaDisabled = String(isBusy);
  }

  async #sendOrder(order: ProduceOrder, isFollowed: boolean): Promise<void> {
    let report: ProduceReport;
    try {
      report = await produce(order);
    } catch (error) {
      if (!this.#isAboutTopic(error, order.topic)) throw error;
      this.#askToCreate(error, order, isFollowed);
      return;
    }
    await this.#done(report, isFollowed);
  }

  /** Whether an error says that there is no such topic, rather than no such partition. */
  #isAboutTopic(error: unknown, topic: string): error is Refused {
    const isUnknown = error instanceof Refused && error.code === "UNKNOWN_TOPIC_OR_PARTITION";
    return isUnknown && !this.#context.model.topics.some(({ name }) => name === topic);
  }

  /** The name may be mistyped. */
  #askToCreate(error: Refused, order: ProduceOrder, isFollowed: boolean): void {
    const { newTopicPartitions } = this.#context.session;
    const { topic } = order;
    const names = this.#context.model.topics.filter(({ internal }) => !internal);
    const similar = similarNames(
      topic,
      names.map(({ name }) => name),
    );
    const meant = similar.length === 0 ? [] : [this.#suggestions(similar)];
    if (newTopicPartitions === null) {
      this.#said.replaceChildren(failure(error), ...meant);
      return;
    }
    const text = {
      title: `Create topic ${topic}?`,
      body: [newTopicText(topic, newTopicPartitions), ...meant],
      action: "Create it and send",
    };
    void openDialog(text, async () => {
      await this.#done(await produce({ ...order, create: true }), isFollowed);
    });
  }

  /** Names to take instead of a mistyped one. */
  #suggestions(names: readonly string[]): HTMLElement {
    const take = (name: string, chosen: HTMLElement): void => {
      chosen.closest("dialog")?.close();
      this.#said.replaceChildren();
      this.#form.topic = name;
      this.#send.focus();
    };
    const buttons = names.map((name) => {
      const made: HTMLButtonElement = button(name, () => take(name, made));
      return made;
    });
    return element("div", { class: "similar" }, element("p", {}, "Did you mean"), ...buttons);
  }

  async #done(report: ProduceReport, isFollowed: boolean): Promise<void> {
    this.#list(report);
    if (!isFollowed) return;
    this.#context.router.go(hrefOf("log"));
    await this.#log.play(
      report.topic,
      report.partition,
      ({ state }) => state.logEnd > report.offset,
      (shape) => produceStory(report, shape),
    );
  }

  #refused(error: unknown): void {
    this.#said.replaceChildren(failure(error));
    if (error instanceof Refused && error.code === "INVALID_RECORD") this.#form.focusKey();
  }

  /** Says where a record is. */
  #list(report: ProduceReport): void {
    const { topic, partition, offset } = report;
    const record = { partition, from: offset, record: `${partition}/${offset}` };
    const links = this.#context.session.mayRead
      ? [
          link("Show the record", hrefOf("records", [topic], record)),
          link("Show it in the log", hrefOf("log", [topic, partition], { offset })),
        ]
      : [];
    const words = `${topic}: offset ${formatCount(offset)} in ${choiceText(report)}.`;
    this.#sent.prepend(element("li", {}, element("span", {}, words), ...links));
    while (this.#sent.children.length > SENT_SHOWN_MAX) this.#sent.lastElementChild?.remove();
  }
}
