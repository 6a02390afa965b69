// Names that others chose, such as those of groups: on one line, never invisible, and not too long. A
// shortened name can be read in full by pointing at it, and copied.
import { printable } from "../../../printable.js";
import { copyText } from "./copy.js";
import { button, element, setText } from "./dom.js";
import type { Notices } from "./notices.js";

/** Longer names are shortened in the middle: names of one kind often begin alike, or end alike. */
const NAME_SHOWN_LENGTH_MAX = 80;
const HEAD_LENGTH = 50;

/** Letters that are written from right to left. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

/** A name to show: without what hides or steers text. */
export function nameText(name: string): string {
  if (name.trim() !== "") return printable(name);
  return name === "" ? "(no name)" : "(only spaces)";
}

/** The same for the middle of a sentence, whose order it does not change. */
export function nameInText(name: string): string {
  const text = shortText(nameText(name));
  return RIGHT_TO_LEFT.test(text) ? `\u2068${text}\u2069` : text;
}

/** A text without its middle if it is long. */
export function shortText(text: string): string {
  if (text.length <= NAME_SHOWN_LENGTH_MAX) return text;
  const characters = [...text];
  if (characters.length <= NAME_SHOWN_LENGTH_MAX) return text;
  const tail = characters.slice(HEAD_LENGTH + 1 - NAME_SHOWN_LENGTH_MAX);
  return `${characters.slice(0, HEAD_LENGTH).join("")}…${tail.join("")}`;
}

/** A heading with a name, and a button that copies it where the heading is not the whole name. */
export class NameTitle {
  readonly root = element("h2");
  readonly copy: HTMLButtonElement;
  #name = "";

  constructor(notices: Notices) {
    this.copy = button("Copy name", () => {
      copyText(this.#name).then(
        () => notices.say("Name copied."),
        (error: unknown) => notices.fail(error),
      );
    });
    this.copy.classList.add("quiet");
  }

  show(name: string): void {
    this.#name = name;
    const text = nameText(name);
    setText(this.root, shortText(text));
    this.root.title = text;
    this.copy.hidden = this.root.textContent === name;
  }
}
