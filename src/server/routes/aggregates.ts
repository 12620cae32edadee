/**
 * Answers what `trueup aggregates` asks a running server: how aggregates stand, and to run verify or repair and tell what it
 * found.
 */
import { convexToJson, v, type Value } from "convex/values";
import { requestReader } from "../../deploy/index.js";
import type { Route, RouteRequest } from "../http/route.js";

type Answer = (request: RouteRequest) => Promise<unknown>;

const readName = requestReader(v.object({ name: v.string() }));
const readVerify = requestReader(v.object({ name: v.string(), repair: v.optional(v.boolean()) }));
const readReport = requestReader(
  v.object({ name: v.string(), runId: v.string(), cursor: v.optional(v.string()) }),
);

const answers: Readonly<Record<string, Answer>> = {
  list: async ({ backend }) => await backend.aggregates.list(),
  resume: async ({ backend, body }) => {
    backend.aggregates.resume(readName(body).name);
    return null;
  },
  verify: async ({ backend, body }) => {
    const { name, repair = false } = readVerify(body);
    return await backend.aggregates.startVerify(name, { repair });
  },
  report: async ({ backend, body }) => {
    const { name, runId, cursor } = readReport(body);
    return await backend.aggregates.report(name, runId, cursor);
  },
};

/** Replies are Convex values as JSON, since keys may have any type. */
export const aggregateRoutes: readonly Route[] = Object.entries(answers).map(([name, answer]) => ({
  method: "POST",
  path: `/api/trueup/aggregates/${name}`,
  isForAdmins: true,
  answer: async (request) => ({ value: convexToJson((await answer(request)) as Value) }),
}));
