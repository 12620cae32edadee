/** How far the preparation of a push is, in the words that the CLI has for it: it shows aggregates that are built as indexes. */
import type { Database } from "../../database/index.js";
import type { StandbyBuild } from "../../integrity/index.js";
import type { Schemas } from "../code/program-code.js";
import { indexChanges } from "../push/index-diff.js";

interface ComponentStatus {
  readonly schemaValidationComplete: boolean;
  readonly indexesComplete: number;
  readonly indexesTotal: number;
}

/** As the CLI asks for it, again and again. */
export type SchemaStatus =
  | { readonly type: "complete" }
  | { readonly type: "inProgress"; readonly components: Readonly<Record<string, ComponentStatus>> }
  | {
      readonly type: "failed";
      readonly error: string;
      readonly componentPath: string;
      readonly tableName: string | null;
    };

/** Waits for something to become ready, but no longer than the time given; false when it is late. Rejects as it does. */
export async function isReadyWithin(ready: Promise<void>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([ready.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for the end of the builds of aggregates, but no longer than the time given, and says how far they are. */
export async function aggregatesStatus(aggregates: StandbyBuild, timeoutMs: number): Promise<SchemaStatus> {
  try {
    if (await isReadyWithin(aggregates.whenReady(), timeoutMs)) return { type: "complete" };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { type: "failed", error: message, componentPath: "", tableName: null };
  }
  const components = aggregates
    .progress()
    .map(({ componentPath, ready, total }) => [
      componentPath,
      { schemaValidationComplete: true, indexesComplete: ready, indexesTotal: total },
    ]);
  return { type: "inProgress", components: Object.fromEntries(components) };
}

/** How far the check of documents and the building of indexes are. */
export async function schemaProgress(
  database: Database,
  { before, after }: { readonly before: Schemas; readonly after: Schemas },
  { unchecked, isBuilding }: { readonly unchecked: ReadonlySet<string>; readonly isBuilding: boolean },
): Promise<SchemaStatus> {
  const { value: builds } = await database.query((tx) => tx.indexBuilds(), { limits: null });
  const components = [...after].map(([path, schema]): [string, ComponentStatus] => {
    const names = newIndexes(before.get(path) ?? null, schema);
    const building = builds.filter(
      ({ componentPath, tableName, indexName }) =>
        componentPath === path && names.includes(`${tableName}.${indexName}`),
    );
    const isBegun = isBuilding || names.length === 0;
    return [
      path,
      {
        schemaValidationComplete: !unchecked.has(path),
        indexesComplete: isBegun ? names.length - building.length : 0,
        indexesTotal: names.length,
      },
    ];
  });
  return { type: "inProgress", components: Object.fromEntries(components) };
}

/** The names, `table.index`, of the indexes that a schema brings and that have to be built. */
export function newIndexes(...[before, after]: Parameters<typeof indexChanges>): string[] {
  return indexChanges(before, after)
    .filter(({ change, index }) => change === "added" && index.type === "database")
    .map(({ index }) => index.name);
}
