/**
 * Plans the change of an app: compares its own schema, and those of the components that it mounts, with the former ones. A
 * component that is new had no documents, so all of its schema is new.
 */
import {
  planSchema,
  parseRenames,
  parseWaivers,
  type Classification,
  type SchemaJson,
  type SchemaPlan,
} from "../../schema/index.js";
import type { AppFolder } from "../app/app-folder.js";
import type { Connection } from "../connection/connection.js";
import { evaluateSchemas, loadEsbuild, type AppSchemas } from "./evaluate-schemas.js";
import { chooseOrigin, schemasOfCommit, schemasOfFile, type SchemaOrigin } from "./schema-origin.js";
import { workingSources } from "./schema-sources.js";

/** What to plan, and what the user declares about it. */
export interface PlanRequest {
  readonly app: AppFolder;
  /** Where the command runs: files are named from here. */
  readonly folder: string;
  readonly from: string | undefined;
  readonly renames: readonly string[];
  readonly waivers: readonly string[];
  /** Whether the deployment's documents are checked. */
  readonly readsDocuments: boolean;
  readonly connect: () => Promise<Connection>;
}

/** The plan of an app and its components, in JSON values only. */
export interface AppPlan {
  /** The verdict on the most dangerous change, wherever it is. */
  readonly verdict: Classification;
  readonly from: SchemaOrigin;
  readonly app: SchemaPlan;
  /** Plans by component path. */
  readonly components: Readonly<Record<string, SchemaPlan>>;
  /** Components that are mounted no longer. Their data stays where it is. */
  readonly unmounted: readonly string[];
}

/** The former schema of a component that is new. */
const nothing: SchemaJson = { tables: [], schemaValidation: true };

/**
 * Plans the change from what `from` names to the schemas on disk.
 *
 * @throws SCHEMA_UNREADABLE, INVALID_SCHEMA, GIT_REF_UNREADABLE, DATA_FILE_MISSING, INVALID_RENAME, UNKNOWN_WAIVER,
 *   CONVEX_NOT_INSTALLED
 */
export async function planApp(request: PlanRequest): Promise<AppPlan> {
  const { app, folder, from } = request;
  parseWaivers(request.waivers);
  const esbuild = await loadEsbuild(app.root);
  const after = await evaluateSchemas(esbuild, workingSources(app));
  parseWaivers(request.waivers, new Set(after.keys()));
  const choice = await chooseOrigin(app, folder, from);
  switch (choice.kind) {
    case "deployment":
      return await planFromDeployment(request, after);
    case "git": {
      const { ref, hash } = choice.commit;
      const before = await schemasOfCommit(app, esbuild, choice);
      return combine(request, { kind: "git", ref, commit: hash }, before, after);
    }
    case "file": {
      const { file } = choice;
      const before = await schemasOfFile(app, esbuild, file);
      // A file says nothing of components, so they are taken to stay as they are.
      return combine(request, { kind: "file", file }, before, new Map([["", after.get("") ?? null]]));
    }
  }
}

async function planFromDeployment(request: PlanRequest, after: AppSchemas): Promise<AppPlan> {
  const { app, renames, readsDocuments } = request;
  const connection = await request.connect();
  try {
    const examined = await connection.examine({ schemas: after, renames, readsDocuments });
    const before = new Map(examined.map((each) => [each.componentPath, each.before]));
    const data = new Map(examined.map((each) => [each.componentPath, each.data]));
    const origin = { kind: "deployment", url: connection.serverUrl ?? null, dataFile: app.dataFile } as const;
    return combine(request, origin, before, after, data);
  } finally {
    await connection.close();
  }
}

function combine(
  { renames, waivers }: PlanRequest,
  from: SchemaOrigin,
  before: AppSchemas,
  after: AppSchemas,
  data: ReadonlyMap<string, SchemaPlan["data"]> = new Map(),
): AppPlan {
  const planOf = (path: string): SchemaPlan => {
    const was = before.has(path) ? (before.get(path) ?? null) : nothing;
    return planSchema({
      componentPath: path,
      before: was,
      after: after.get(path) ?? withoutSchema(was),
      renames: path === "" ? parseRenames(renames) : {},
      waivers,
      data: data.get(path) ?? [],
    });
  };
  const app = planOf("");
  const paths = [...after.keys()].filter((path) => path !== "");
  const components = Object.fromEntries(paths.map((path) => [path, planOf(path)]));
  const unmounted = [...before.keys()].filter((path) => !after.has(path));
  return { verdict: worst([app, ...Object.values(components)]), from, app, components, unmounted };
}

/** What follows when schema.ts is deleted: tables stay, their indexes go, and nothing is validated. */
function withoutSchema(was: SchemaJson | null): SchemaJson {
  const none = {
    indexes: [],
    stagedDbIndexes: [],
    searchIndexes: [],
    stagedSearchIndexes: [],
    vectorIndexes: [],
    stagedVectorIndexes: [],
  };
  const tables = (was?.tables ?? []).map(({ tableName, documentType }) => ({
    tableName,
    documentType,
    ...none,
  }));
  return { tables, schemaValidation: false };
}

function worst(plans: readonly SchemaPlan[]): Classification {
  const order: readonly Classification[] = ["destructive", "needsMigration"];
  return order.find((verdict) => plans.some((plan) => plan.verdict === verdict)) ?? "safe";
}
