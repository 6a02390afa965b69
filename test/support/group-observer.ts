// An observer of groups that writes down what it is told.
import type { GroupObserver } from "../../src/groups/group.js";

export function observerOf(events: string[]): GroupObserver {
  return {
    rebalanced: (type, ms) => void events.push(`${type} rebalanced in ${ms}`),
    expired: (type) => void events.push(`${type} member expired`),
  };
}
