// What is wrong, for the line below the head of the page. Leaves to others: the list (services/problems.ts).
import type { ServiceContext } from "../../services/context.js";
import { readProblems } from "../../services/problems.js";
import { mayOnCluster } from "../../services/permissions.js";
import { StuckGroups } from "../../services/stuck-groups.js";
import type { ProblemList } from "../page/problems/problem-wire.js";
import { type PageRoutes, visitorKey } from "./access.js";
import { answered } from "./answer.js";
import { RecentAnswers } from "./recent-answers.js";
import { SharedAnswers } from "./shared-answers.js";

export function problemRoutes(): PageRoutes {
  const lists = new RecentAnswers<ProblemList>();
  const underWay = new SharedAnswers<ProblemList>();
  const stuckGroups = new StuckGroups();
  const listFor = async (context: ServiceContext): Promise<ProblemList> => ({
    ...(await readProblems(context, stuckGroups)),
    nowMs: context.registry.now(),
    startedMs: mayOnCluster(context, "DESCRIBE") ? context.vitals.startedMs : null,
  });
  return {
    "/api/problems": {
      GET: (_, { context }) =>
        answered(() => {
          const key = visitorKey(context);
          return lists.get(key, () => underWay.get(key, () => listFor(context)));
        }),
    },
  };
}
