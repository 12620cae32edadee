/** How far the builds of indexes have come. */
import type { IndexEntry, TableEntry } from "../catalog/catalog.js";
import { catalogKeys } from "../catalog/key-layout.js";
import type { StorageReader } from "../../storage/storage.js";
import type { EditedState } from "../transaction/edited-state.js";

/** What a build records with every batch. */
export interface BuildProgress {
  /** The key of the last document that has its entry. */
  readonly cursor: string;
  readonly processed: number;
}

/** An index that is being built. */
export interface IndexBuild {
  readonly componentPath: string;
  readonly tableName: string;
  readonly indexName: string;
  readonly isStaged: boolean;
  /** How many documents got their entry from the build. Writes meanwhile add their own entries. */
  readonly processed: number;
  /** Documents in the table now. */
  readonly total: number;
}

export async function readProgress(storage: StorageReader, index: IndexEntry): Promise<BuildProgress> {
  const text = await storage.get(catalogKeys.backfill(index.id));
  return text === undefined ? { cursor: "", processed: 0 } : (JSON.parse(text) as BuildProgress);
}

/** The indexes that are not ready yet. O(indexes). */
export async function indexBuilds(state: EditedState): Promise<IndexBuild[]> {
  const builds: IndexBuild[] = [];
  for (const { table, index } of state.catalog.indexes()) {
    if (index.state === "building") builds.push(await describe(state, table, index));
  }
  return builds;
}

async function describe(state: EditedState, table: TableEntry, index: IndexEntry): Promise<IndexBuild> {
  const { processed } = await readProgress(state.stored, index);
  const { documents } = await state.counts(table);
  return {
    componentPath: table.componentPath,
    tableName: table.name,
    indexName: index.name,
    isStaged: index.isStaged,
    processed,
    total: documents,
  };
}
