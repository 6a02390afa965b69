// What the page asks about groups beyond its live events. Leaves to others: reading their state (feed/broker-watch.ts).
import type { PageRoutes } from "./access.js";
import { answered } from "./answer.js";
import { groupsState } from "./feed/broker-watch.js";
import { Query } from "./query.js";
import { Queue } from "./queue.js";

export function groupRoutes(): PageRoutes {
  const queue = new Queue();
  return {
    "/api/groups": {
      GET: ({ url, signal }, { context }) =>
        answered(() => {
          const query = new Query(url);
          const selection = { filter: query.text("filter"), after: query.text("after") };
          return queue.answer(signal, () => groupsState(context, selection));
        }),
    },
  };
}
