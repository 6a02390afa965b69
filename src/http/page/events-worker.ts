// The worker that all pages of a browser share. Leaves to others: what it does (shared-feed.ts).
import { Feed } from "./feed.js";
import { type FromPage, SharedFeed } from "./shared-feed.js";

const shared = new SharedFeed((listener) => new Feed(listener));

self.addEventListener("connect", (event) => {
  const [port] = (event as MessageEvent).ports;
  if (port === undefined) return;
  port.onmessage = ({ data }: MessageEvent<FromPage>) => shared.take(port, data);
});
