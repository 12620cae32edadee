/** What became of the jobs that a call set off: `trueup run` waits for them, and shows how far they are. */
import { JsonReader } from "../../deploy/index.js";
import type { Route } from "../http/route.js";

export const workRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/api/trueup/work",
    isForAdmins: true,
    answer: ({ backend, body }) => backend.scheduler.work(new JsonReader(body).field("requestId").string()),
  },
];
