/**
 * Plans a schema change: says what changes and how dangerous each change is, which migrations it takes, and which steps deploy
 * it, in one deploy on Trueup and in several elsewhere. A plan consists of JSON values only; `plan-text.ts` prints it.
 */
import { diffSchemas, noSchema } from "../changes/diff-schemas.js";
import { applyRenames, type RenamedSchema, type SchemaRenames } from "../changes/renames.js";
import { worst, type Classification } from "../changes/rules.js";
import type { SchemaChange } from "../changes/schema-change.js";
import { parseWaivers } from "../changes/waivers.js";
import { documentType } from "../document-type.js";
import { findTable, type SchemaJson } from "../schema-json.js";
import { assessChange, type PlannedChange } from "./assess-change.js";
import { migrationStub, tableRenameStub, type MigrationStub } from "./migration-source.js";
import { planSteps, type PlanStep } from "./plan-steps.js";
import type { TableData } from "./violation-tally.js";
import { widenSchema } from "./widen-schema.js";

/** What a plan is made from. */
export interface PlanInput {
  /** The component whose schema it is; "", the default, is the app. */
  readonly componentPath?: string;
  /** The schema before; null when there was none, so that no document was held to any type. */
  readonly before: SchemaJson | null;
  readonly after: SchemaJson;
  readonly renames?: SchemaRenames;
  /** Waivers as `parseWaivers` takes them, also those of other components: `drop-field:users.legacy`. */
  readonly waivers?: readonly string[];
  /** What is known of the data under the new schema, by the new names of tables; a removed table has its old name. */
  readonly data?: readonly TableData[];
}

/** A plan. */
export interface SchemaPlan {
  /** The component whose schema it is; "" is the app. */
  readonly componentPath: string;
  /** The most dangerous classification that a change counts as. */
  readonly verdict: Classification;
  readonly changes: readonly PlannedChange[];
  /** One migration for each table that needs one, and before them the declared renames of tables. */
  readonly migrations: readonly MigrationStub[];
  /** The schema that both shapes fit; null when every document fits the new one already. */
  readonly widened: SchemaJson | null;
  /** The steps where one deploy does it all. */
  readonly oneDeploy: readonly PlanStep[];
  /** The steps where schema and data change in turns: widen, migrate, narrow. */
  readonly severalDeploys: readonly PlanStep[];
  /** What was known of the data. */
  readonly data: readonly TableData[];
}

/**
 * Plans the way from one schema to another.
 * @throws INVALID_RENAME, UNKNOWN_WAIVER
 */
export function planSchema(input: PlanInput): SchemaPlan {
  const { componentPath = "", before, after, renames = {}, waivers = [], data = [] } = input;
  const renamed = applyRenames(before ?? noSchema, after, renames);
  const given = parseWaivers(waivers);
  const changes = [...renamed.changes, ...diffSchemas(renamed.schema, after)].map((change) =>
    assessChange(
      change,
      given,
      componentPath,
      data.find(({ tableName }) => tableName === change.tableName),
    ),
  );
  const violated = data.some(({ violating }) => violating > 0);
  const verdict = worst([...changes.map(({ counts }) => counts), violated ? "needsMigration" : "safe"]);
  const stubs = migrationStubs(renamed, after, changes);
  const tables = Object.entries(renames.tables ?? {}).map(([from, to]) => tableRenameStub(from, to));
  const migrations = [...tables, ...stubs];
  const widened = stubs.length === 0 ? null : widenSchema(renamed.stored, after);
  return {
    componentPath,
    verdict,
    changes,
    migrations,
    widened,
    ...planSteps(componentPath, changes, migrations, verdict),
    data,
  };
}

/** The exit code of the command line for a verdict. */
export function exitCodeOf(verdict: Classification): 0 | 2 | 3 {
  if (verdict === "safe") return 0;
  return verdict === "needsMigration" ? 2 : 3;
}

function migrationStubs(
  renamed: RenamedSchema,
  after: SchemaJson,
  changes: readonly PlannedChange[],
): readonly MigrationStub[] {
  return after.tables.flatMap((table) => {
    const { tableName } = table;
    const because = changes.filter((change) => change.tableName === tableName && concernsDocuments(change));
    if (because.every(({ counts }) => counts === "safe")) return [];
    const was = findTable(renamed.stored, tableName);
    const isKnown = was !== undefined && renamed.stored.schemaValidation;
    const types = {
      tableName,
      before: isKnown ? documentType(was) : ({ type: "any" } as const),
      after: documentType(table),
      renames: renamed.fields.get(tableName) ?? new Map<string, string>(),
    };
    return [
      migrationStub(
        types,
        because.filter(({ classification }) => classification !== "safe"),
      ),
    ];
  });
}

function concernsDocuments(change: SchemaChange): boolean {
  return change.path !== undefined || change.rule === "validation-turned-on";
}
