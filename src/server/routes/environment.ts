/** Environment variables of the deployment, set and unset by `npx convex env`. */
import { JsonReader } from "../../deploy/index.js";
import type { Route } from "../http/route.js";

export const environmentRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/api/update_environment_variables",
    isForAdmins: true,
    answer: async ({ backend, body }) => {
      const changes = new JsonReader(body)
        .field("changes")
        .list()
        .map((change) => ({
          name: change.field("name").string(),
          value: change.field("value").optionalString() ?? null,
        }));
      await backend.deploy.updateEnvironment(changes);
      return null;
    },
  },
];
