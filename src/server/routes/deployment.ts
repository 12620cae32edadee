/**
 * What is deployed: the steps of a push as the official CLI makes them, which the room `deploy` carries out; environment
 * variables, which `npx convex env` sets and unsets; and what `trueup plan` and `trueup migrations` ask about schemas.
 */
import { v } from "convex/values";
import { examineDocuments, requestReader, type Deployer } from "../../deploy/index.js";
import { parseRenames, parseSchema } from "../../schema/index.js";
import type { Route, RouteRequest } from "../http/route.js";

/** A push brings sources with their maps, decompressed. */
const maxPushBytes = 256 * 1024 * 1024;
const maxPlanBytes = 64 * 1024 * 1024;

const readChanges = requestReader(
  v.object({ changes: v.array(v.object({ name: v.string(), value: v.optional(v.string()) })) }),
);
const readSchemas = requestReader(
  v.object({
    schemas: v.array(v.object({ componentPath: v.string(), schema: v.optional(v.string()) })),
    renames: v.array(v.string()),
    readsDocuments: v.optional(v.boolean()),
  }),
);

type Step = (deployer: Deployer, body: unknown) => Promise<unknown>;

const steps: Readonly<Record<string, Step>> = {
  "/api/get_config_hashes": (deployer) => deployer.configHashes(),
  "/api/deploy2/evaluate_schema": (deployer, body) => deployer.evaluateSchema(body),
  "/api/deploy2/evaluate_push": (deployer, body) => deployer.evaluatePush(body),
  "/api/deploy2/start_push": (deployer, body) => deployer.startPush(body),
  "/api/deploy2/wait_for_schema": (deployer, body) => deployer.waitForSchema(body),
  "/api/deploy2/finish_push": (deployer, body) => deployer.finishPush(body),
  // The CLI reports how long it took, which nobody here reads.
  "/api/deploy2/report_push_completed": async () => ({}),
};

export const deploymentRoutes: readonly Route[] = [
  ...Object.entries(steps).map(([path, step]): Route => ({
    method: "POST",
    path,
    isForAdmins: true,
    maxBodyBytes: maxPushBytes,
    answer: ({ backend, body }) => step(backend.deploy, body),
  })),
  {
    method: "POST",
    path: "/api/update_environment_variables",
    isForAdmins: true,
    answer: updateEnvironment,
  },
  {
    method: "POST",
    path: "/api/trueup/plan",
    isForAdmins: true,
    maxBodyBytes: maxPlanBytes,
    answer: examineSchemas,
  },
  {
    method: "POST",
    path: "/api/trueup/schema-changes",
    isForAdmins: true,
    answer: ({ backend }) => backend.schemaChanges(),
  },
];

async function updateEnvironment({ backend, body }: RouteRequest): Promise<null> {
  const { changes } = readChanges(body);
  await backend.deploy.updateEnvironment(changes.map(({ name, value = null }) => ({ name, value })));
  return null;
}

/** The schemas in force, and which documents the given ones would refuse. */
async function examineSchemas({ backend, body }: RouteRequest): Promise<unknown> {
  const { schemas, renames, readsDocuments = false } = readSchemas(body);
  const parsed = schemas.map(
    ({ componentPath, schema }) =>
      [componentPath, schema === undefined ? null : parseSchema(schema)] as const,
  );
  return await examineDocuments(backend.database, new Map(parsed), {
    renames: parseRenames(renames),
    readsDocuments,
  });
}
