// Listens to the events of the broker while the page can be seen: with all pages of the browser through a worker that they
// share, because a browser has only six connections for all pages of a broker.
// Leaves to others: the stream (feed-choice.ts, shared-feed.ts, feed.ts), and what the events say (model.ts).
import { Feed, type FeedListener } from "./feed.js";
import { FeedChoice, type WorkerPort } from "./feed-choice.js";
import type { FromPage, ToPage } from "./shared-feed.js";

/** How long a page must be hidden until it stops listening, in milliseconds. */
const HIDDEN_MS = 2000;

/** Listens in the session with this token. A hidden page listens to nothing, so it costs the broker nothing. */
export function listen(session: string | null, listener: Omit<FeedListener, "ended">): void {
  const all: FeedListener = {
    overview: (overview) => listener.overview(overview),
    tick: (tick) => listener.tick(tick),
    connected: (isConnected) => listener.connected(isConnected),
    // The page is now the form to log in.
    ended: () => location.reload(),
  };
  const feed = new FeedChoice(all, session, connect, (own) => new Feed(own));
  let hidden: ReturnType<typeof setTimeout> | undefined;
  const look = (): void => {
    clearTimeout(hidden);
    if (document.hidden) hidden = setTimeout(() => feed.close(), HIDDEN_MS);
    else feed.open();
  };
  feed.open();
  document.addEventListener("visibilitychange", look);
  addEventListener("pagehide", () => feed.close());
  addEventListener("pageshow", look);
}

/** The name of the worker's script changes with its content, so pages of different versions don't share a worker. */
function connect(take: (message: ToPage) => void, failed: () => void): WorkerPort | undefined {
  const script = document.querySelector<HTMLMetaElement>("meta[name=events-worker]")?.content;
  if (script === undefined || typeof SharedWorker === "undefined") return undefined;
  const worker = new SharedWorker(script, { type: "module" });
  worker.addEventListener("error", failed);
  worker.port.onmessage = ({ data }: MessageEvent<ToPage>) => take(data);
  return {
    say: (message: FromPage) => worker.port.postMessage(message),
    close: () => worker.port.close(),
  };
}
