/**
 * Says what a push does to the indexes of a component, in the CLI's terms: an index that exists in another form is removed and
 * added, one that only changes between staged and in use is enabled or disabled.
 */
import type {
  IndexJson,
  SchemaJson,
  SearchIndexJson,
  TableJson,
  VectorIndexJson,
} from "../../schema/index.js";

interface NamedIndex {
  /** `table.index`. */
  readonly name: string;
  readonly staged?: boolean;
}

/** An index as the CLI knows it. */
export type IndexConfig = NamedIndex &
  (
    | ({ readonly type: "database" } & Omit<IndexJson, "indexDescriptor">)
    | ({ readonly type: "search" } & Omit<SearchIndexJson, "indexDescriptor">)
    | ({ readonly type: "vector" } & Omit<VectorIndexJson, "indexDescriptor">)
  );

export interface IndexDiff {
  readonly added_indexes: readonly IndexConfig[];
  readonly removed_indexes: readonly IndexConfig[];
  readonly enabled_indexes: readonly IndexConfig[];
  readonly disabled_indexes: readonly IndexConfig[];
}

/** The change of one index; a replaced one has two, dropped and added. */
export interface IndexChange {
  readonly change: "added" | "identical" | "enabled" | "disabled" | "dropped";
  readonly index: IndexConfig;
}

/** Every index of either schema, in the order of the new one and then of the old one. */
export function indexChanges(before: SchemaJson | null, after: SchemaJson | null): IndexChange[] {
  const old = byName(before);
  const now = byName(after);
  const changes: IndexChange[] = [];
  for (const index of now.values()) {
    const was = old.get(index.name);
    changes.push({ change: was === undefined ? "added" : changeOf(was, index), index });
  }
  for (const index of old.values()) {
    const is = now.get(index.name);
    if (is === undefined || changeOf(index, is) === "added") changes.push({ change: "dropped", index });
  }
  return changes;
}

export function indexDiff(before: SchemaJson | null, after: SchemaJson | null): IndexDiff {
  const changes = indexChanges(before, after);
  const of = (change: IndexChange["change"]): IndexConfig[] =>
    changes.filter((candidate) => candidate.change === change).map(({ index }) => index);
  return {
    added_indexes: of("added"),
    removed_indexes: of("dropped"),
    enabled_indexes: of("enabled"),
    disabled_indexes: of("disabled"),
  };
}

/** True when nothing is added, removed, enabled or disabled. */
export function isSameIndexes(diff: IndexDiff): boolean {
  return Object.values(diff).every((list: readonly IndexConfig[]) => list.length === 0);
}

function changeOf(was: IndexConfig, is: IndexConfig): IndexChange["change"] {
  if (formOf(was) !== formOf(is)) return "added";
  if (was.staged === is.staged) return "identical";
  return is.staged === true ? "disabled" : "enabled";
}

/** Everything about an index but whether it is in use. */
function formOf({ staged: _staged, ...form }: IndexConfig): string {
  return JSON.stringify(form);
}

function byName(schema: SchemaJson | null): ReadonlyMap<string, IndexConfig> {
  const indexes = (schema?.tables ?? []).flatMap(indexesOf);
  return new Map(indexes.map((index) => [index.name, index]));
}

function indexesOf(table: TableJson): IndexConfig[] {
  const named = <Index extends { readonly indexDescriptor: string }>({
    indexDescriptor,
    ...form
  }: Index) => ({
    name: `${table.tableName}.${indexDescriptor}`,
    ...form,
  });
  const used: IndexConfig[] = [
    ...table.indexes.map((index) => ({ type: "database" as const, ...named(index) })),
    ...table.searchIndexes.map((index) => ({ type: "search" as const, ...named(index) })),
    ...table.vectorIndexes.map((index) => ({ type: "vector" as const, ...named(index) })),
  ];
  const staged: IndexConfig[] = [
    ...table.stagedDbIndexes.map((index) => ({ type: "database" as const, ...named(index) })),
    ...table.stagedSearchIndexes.map((index) => ({ type: "search" as const, ...named(index) })),
    ...table.stagedVectorIndexes.map((index) => ({ type: "vector" as const, ...named(index) })),
  ];
  return [...used, ...staged.map((index) => ({ ...index, staged: true }))];
}
