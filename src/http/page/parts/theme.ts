// The colours of the drawing from the style sheet, for light and dark mode.
// Leaves to others: the meaning of a colour (page.css, drawing.ts).

const NAMES = [
  ...["sealed", "sealed-edge", "active", "unflushed", "tick", "track", "watermark", "end"],
  ...["clean", "dirty", "ink", "muted", "group", "look", "found", "focus", "received", "sent"],
] as const;

export type Theme = Readonly<Record<(typeof NAMES)[number], string>>;

let current: Theme | undefined;

export function theme(): Theme {
  current ??= read();
  return current;
}

/** Calls `listener` when the user switches between light and dark mode. */
export function onThemeChange(listener: () => void): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    current = undefined;
    listener();
  });
}

/** Whether animations are welcome. */
export function mayMove(): boolean {
  return !matchMedia("(prefers-reduced-motion: reduce)").matches;
}

function read(): Theme {
  const style = getComputedStyle(document.documentElement);
  const colours = NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]);
  return Object.fromEntries(colours) as Theme;
}
