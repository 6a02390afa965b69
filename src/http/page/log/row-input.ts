// User input on a row: mouse, touch and keyboard. Leaves to others: reacting to it (row.ts).

/** The possible actions. Places are pixels from the left of the drawing. */
interface RowActions {
  open(x: number): void;
  openCursor(): void;
  hover(x: number | undefined): void;
  focus(hasFocus: boolean): void;
  moveCursor(by: number): void;
  zoom(factor: number, x: number | undefined): void;
  scroll(part: number): void;
  /** Zooms out to everything; returns whether it was zoomed in. */
  reset(): boolean;
}

const WHEEL_FACTOR = 1.4;

export function listenToRow(track: HTMLElement, actions: RowActions): void {
  const xOf = (event: MouseEvent): number => event.clientX - track.getBoundingClientRect().left;
  track.addEventListener("click", (event) => actions.open(xOf(event)));
  track.addEventListener("dblclick", (event) => actions.zoom(1 / 4, xOf(event)));
  track.addEventListener("pointermove", (event) => actions.hover(xOf(event)));
  track.addEventListener("pointerleave", () => actions.hover(undefined));
  track.addEventListener("focus", () => actions.focus(true));
  track.addEventListener("blur", () => actions.focus(false));
  track.addEventListener(
    "wheel",
    (event) => {
      // As on a map: the page scrolls unless a modifier key is held.
      if (!event.ctrlKey && !event.shiftKey) return;
      event.preventDefault();
      const isOut = event.deltaY > 0 || event.deltaX > 0;
      actions.zoom(isOut ? WHEEL_FACTOR : 1 / WHEEL_FACTOR, xOf(event));
    },
    { passive: false },
  );
  track.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (!pressed(event.key, actions)) return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/** Whether the drawing handles the key. */
function pressed(key: string, actions: RowActions): boolean {
  if (key === "ArrowLeft") actions.moveCursor(-1);
  else if (key === "ArrowRight") actions.moveCursor(1);
  else if (key === "PageUp") actions.moveCursor(-10);
  else if (key === "PageDown") actions.moveCursor(10);
  else if (key === "Home") actions.moveCursor(Number.NEGATIVE_INFINITY);
  else if (key === "End") actions.moveCursor(Number.POSITIVE_INFINITY);
  else if (key === "Enter" || key === " ") actions.openCursor();
  else if (key === "+" || key === "=") actions.zoom(1 / 2, undefined);
  else if (key === "-") actions.zoom(2, undefined);
  else if (key === "[") actions.scroll(-0.25);
  else if (key === "]") actions.scroll(0.25);
  else if (key === "0") actions.reset();
  else return key === "Escape" && actions.reset();
  return true;
}
