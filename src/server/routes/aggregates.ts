/** Answers what `trueup aggregates` asks a running server: how aggregates stand, and to run verify or repair and tell what it found. */
import { convexToJson, type Value } from "convex/values";
import { JsonReader } from "../../deploy/index.js";
import type { Route, RouteRequest } from "../http/route.js";

type Answer = (request: RouteRequest, body: JsonReader) => Promise<unknown>;

const answers: Readonly<Record<string, Answer>> = {
  list: async ({ backend }) => await backend.aggregates.list(),
  resume: async ({ backend }, body) => {
    backend.aggregates.resume(body.field("name").string());
    return null;
  },
  verify: async ({ backend }, body) => {
    const options = { repair: body.field("repair").boolean() };
    return await backend.aggregates.startVerify(body.field("name").string(), options);
  },
  report: async ({ backend }, body) =>
    await backend.aggregates.report(
      body.field("name").string(),
      body.field("runId").string(),
      body.field("cursor").optionalString(),
    ),
};

/** Replies are Convex values as JSON, since keys may have any type. */
export const aggregateRoutes: readonly Route[] = Object.entries(answers).map(([name, answer]) => ({
  method: "POST",
  path: `/api/trueup/aggregates/${name}`,
  isForAdmins: true,
  answer: async (request) => ({
    value: convexToJson((await answer(request, new JsonReader(request.body))) as Value),
  }),
}));
