// What a person does to a row, by mouse, finger and keyboard. Leaves to others: what comes of it (row.ts).

/** What can be done. Places are pixels from the left of the drawing. */
export interface RowActions {
  open(x: number): void;
  openCursor(): void;
  hover(x: number | undefined): void;
  focus(hasFocus: boolean): void;
  moveCursor(by: number): void;
  zoom(factor: number, x: number | undefined): void;
  scroll(part: number): void;
  /** Shows all again; returns whether it did not before. */
  reset(): boolean;
}

const WHEEL_FACTOR = 1.4;

/** Listens to what is done on a drawing. */
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
      // As on a map: the page scrolls unless a key says that the drawing is meant.
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

/** Whether the key is one of the drawing's. */
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
