// What a view is to the page, and what the page is to a view. Leaves to others: the views, and which one is shown (main.ts).
import type { Model } from "./model.js";
import type { Notices } from "./parts/notices.js";
import type { Route, Router } from "./router.js";
import type { SessionState, Tick } from "./wire.js";

/** A part of the page that fills it while it is shown. It is made when it is first shown, and does nothing while hidden. */
export interface View {
  readonly root: HTMLElement;
  /** Shows a place of the view; called again when the place changes. Returns the title of the place. */
  show(route: Route): string;
  hide(): void;
  /** Topics were created or deleted. */
  overview?(): void;
  /** The model has changed. */
  tick?(tick: Tick): void;
  /** The colours have changed. */
  repaint?(): void;
}

/** What every view may use. */
export interface PageContext {
  readonly model: Model;
  readonly session: SessionState;
  readonly router: Router;
  readonly notices: Notices;
}
