// The colours of the drawing, as the style sheet has them for light and for dark.
// Leaves to others: which colour means what (page.css, drawing.ts).

const NAMES = [
  ...["sealed", "sealed-edge", "active", "unflushed", "tick", "track", "watermark", "end"],
  ...["ink", "muted", "group", "look", "found", "focus", "received", "sent"],
] as const;

export type Theme = Readonly<Record<(typeof NAMES)[number], string>>;

let current: Theme | undefined;

/** The colours that hold now. */
export function theme(): Theme {
  current ??= read();
  return current;
}

/** Calls back when the person changes between light and dark. */
export function onThemeChange(listener: () => void): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    current = undefined;
    listener();
  });
}

/** Whether things may move that need not. */
export function mayMove(): boolean {
  return !matchMedia("(prefers-reduced-motion: reduce)").matches;
}

function read(): Theme {
  const style = getComputedStyle(document.documentElement);
  const colours = NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]);
  return Object.fromEntries(colours) as Theme;
}
