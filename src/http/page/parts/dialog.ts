// Dialogs: a question before a change with consequences, and a form. The browser keeps the focus inside, closes them with
// Escape, and gives the focus back.
import { printable } from "../../../printable.js";
import { button, element, failure } from "./dom.js";

interface DialogText {
  readonly title: string;
  /** What it says: for a change, its consequences. A string is a paragraph. */
  readonly body: readonly (Node | string)[];
  /** The word on the button that does it. */
  readonly action: string;
  /** Whether something is lost by it. */
  readonly isDanger?: boolean;
  /** Called with the button that does it, for what depends on the fields. */
  readonly prepare?: (submit: HTMLButtonElement) => void;
  /** What has to be typed before it can be done, such as the name of a topic; "" for nothing. */
  readonly typed?: string;
}

/**
 * Shows a dialog. On its action it calls `act`; if that rejects, the dialog says why and stays open. Resolves when it
 * is closed, with whether the action was carried out.
 */
export function openDialog(text: DialogText, act: () => Promise<void> | void): Promise<boolean> {
  const { title, body, action, isDanger = false, typed, prepare } = text;
  const said = element("div", { class: "said" });
  const submit = element("button", { type: "submit", class: isDanger ? "danger" : "" }, action);
  const close = button("Cancel", () => dialog.close());
  const asked = typed === undefined || typed === "" ? [] : [typedField(typed, submit)];
  const form = element(
    "form",
    { autocomplete: "off" },
    element("h2", { id: "dialog-title" }, title),
    ...body.map((part) => (typeof part === "string" ? element("p", {}, part) : part)),
    ...asked,
    said,
    element("div", { class: "actions" }, close, submit),
  );
  const dialog = element("dialog", { class: "dialog", "aria-labelledby": "dialog-title" }, form);
  document.body.append(dialog);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let isDone = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (submit.disabled) return;
    submit.disabled = true;
    said.replaceChildren();
    Promise.resolve()
      .then(act)
      .then(
        () => {
          isDone = true;
          dialog.close();
        },
        (error: unknown) => {
          said.replaceChildren(failure(error));
          submit.disabled = false;
        },
      );
  });
  form.addEventListener("keydown", (event) => {
    const isField = event.target instanceof HTMLInputElement && event.target.name !== "typed";
    if (event.key !== "Enter" || !isField || !submit.classList.contains("danger")) return;
    // What loses something takes a step more than filling in its field.
    event.preventDefault();
    submit.focus();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    resolve(isDone);
  });
  prepare?.(submit);
  dialog.showModal();
  // What loses something must not be one key away.
  if (isDanger && asked.length === 0) close.focus();
  return promise;
}

function typedField(typed: string, submit: HTMLButtonElement): HTMLElement {
  const input = element("input", { name: "typed", required: true, spellcheck: "false" });
  // What can't be typed is shown, and typed, in another form.
  const shown = printable(typed);
  submit.disabled = true;
  input.addEventListener("input", () => {
    submit.disabled = input.value.trim() !== typed && input.value.trim() !== shown;
  });
  const name = element("strong", { class: "typed-name" }, shown);
  return element(
    "label",
    { class: "field" },
    element("span", {}, "Type ", name, " to confirm"),
    input,
  );
}
