/** Lists, makes and revokes keys of admins, as `trueup keys` asks a running server. */
import { v } from "convex/values";
import { requestReader } from "../../deploy/index.js";
import type { Route, RouteRequest } from "../http/route.js";

const readName = requestReader(v.object({ name: v.string() }));

const answers: Readonly<Record<string, (request: RouteRequest) => Promise<unknown>>> = {
  list: ({ backend }) => backend.keys.list(),
  add: ({ backend, body }) => backend.keys.add(readName(body).name),
  revoke: ({ backend, body }) => backend.keys.revoke(readName(body).name),
};

export const keyRoutes: readonly Route[] = Object.entries(answers).map(([name, answer]) => ({
  method: "POST",
  path: `/api/trueup/keys/${name}`,
  isForAdmins: true,
  answer,
}));
