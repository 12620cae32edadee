/** What `trueup migrations` asks a running server beside the migrations: transforms in force, and pending schemas. */
import type { Route } from "../http/route.js";

export const schemaChangeRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/api/trueup/schema-changes",
    isForAdmins: true,
    answer: ({ backend }) => backend.schemaChanges(),
  },
];
