// Light or dark: as the system says, or as the visitor has chosen, which the browser remembers. Also the colours of the
// drawing from the style sheet. Leaves to others: the meaning of a colour (style/tokens.css, log/drawing.ts).
import { button, setText } from "./dom.js";

const NAMES = [
  ...["sealed", "sealed-edge", "active", "unflushed", "tick", "track", "watermark", "end"],
  ...["clean", "dirty", "ink", "muted", "group", "look", "found", "focus", "received", "sent"],
] as const;

export type Theme = Readonly<Record<(typeof NAMES)[number], string>>;

const KEY = "rustlog-theme";

/** The choices, in the order in which the button goes through them. */
const CHOICES = ["auto", "light", "dark"] as const;

type Choice = (typeof CHOICES)[number];

const listeners: (() => void)[] = [];
let current: Theme | undefined;

// As colours, and not as text that happens to name one, they are computed: of light-dark(), the one that applies.
for (const name of NAMES) {
  CSS.registerProperty({
    name: `--${name}`,
    syntax: "<color>",
    inherits: true,
    initialValue: "#000",
  });
}

show(chosen());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);

export function theme(): Theme {
  current ??= read();
  return current;
}

/** Calls `listener` when the colours change. */
export function onThemeChange(listener: () => void): void {
  listeners.push(listener);
}

/** Whether animations are welcome. */
export function mayMove(): boolean {
  return !matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** A button that goes through the choices. */
export function themeButton(): HTMLButtonElement {
  const made = button("", () => {
    const next = CHOICES[(CHOICES.indexOf(chosen()) + 1) % CHOICES.length] ?? "auto";
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // A browser that stores nothing shows the choice until the page is closed.
    }
    show(next);
    say();
    changed();
  });
  const say = (): void => {
    const choice = document.documentElement.dataset.theme ?? "auto";
    setText(made, { auto: "◐", light: "☀", dark: "☾" }[choice] ?? "");
    made.title = `Colours: ${choice === "auto" ? "as the system" : choice}`;
    made.ariaLabel = made.title;
  };
  say();
  return made;
}

function chosen(): Choice {
  const now = document.documentElement.dataset.theme;
  if (now !== undefined) return CHOICES.find((each) => each === now) ?? "auto";
  try {
    return CHOICES.find((each) => each === localStorage.getItem(KEY)) ?? "auto";
  } catch {
    return "auto";
  }
}

function show(choice: Choice): void {
  document.documentElement.dataset.theme = choice;
}

function changed(): void {
  current = undefined;
  for (const listener of listeners) listener();
}

function read(): Theme {
  const style = getComputedStyle(document.documentElement);
  const colours = NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]);
  return Object.fromEntries(colours) as Theme;
}
