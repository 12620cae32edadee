/**
 * Goes through everything that a backend has stored, from the pages of its file to its aggregates: each room checks what is
 * its own, and this puts their reports together.
 */
import type { Database, DataCheck } from "../database/index.js";
import { codeTables } from "../deploy/index.js";
import { isTrueupError } from "../errors/index.js";
import type { Aggregates, VerifyResult } from "../integrity/index.js";
import type { StorageCheck } from "../storage/storage.js";

export interface CheckOptions {
  /** Mends what is derived: ids, index entries, counts, aggregates. */
  readonly repair?: boolean;
  readonly onProgress?: (progress: CheckProgress) => void;
}

/** How far a check is. */
export interface CheckProgress {
  readonly step: "entries" | "documents" | "aggregates";
  /** Entries, documents and index entries, or aggregates. */
  readonly checked: number;
  readonly total: number | null;
}

export interface CheckReport {
  /** What the storage says of itself; null for one that cannot be damaged. After a repair: what is still damaged. */
  readonly storage: StorageCheck | null;
  readonly data: DataCheck;
  readonly aggregates: readonly VerifyResult[];
  /** What could not be looked at, in whole sentences. */
  readonly unchecked: readonly string[];
  /** Differences and damages that are left. */
  readonly remaining: number;
}

/**
 * Checks what a database holds. O(everything).
 * @param aggregates Or why they are not checked: the program is not there that knows them.
 */
export async function checkStored(
  database: Database,
  aggregates: Aggregates | Error,
  { repair = false, onProgress = () => {} }: CheckOptions,
): Promise<CheckReport> {
  const checkStorage = async (): Promise<StorageCheck | null> =>
    (await database.storage.check?.((checked) => onProgress({ step: "entries", checked, total: null }))) ??
    null;
  const before = await checkStorage();
  const total = before === null ? null : before.entries;
  const data = await database.check({
    repair,
    derivedTables: codeTables,
    onProgress: (checked) => onProgress({ step: "documents", checked, total }),
  });
  const unchecked = [...data.unchecked];
  let results: readonly VerifyResult[] = [];
  if (!(aggregates instanceof Error)) {
    results = await checkAggregates(aggregates, repair, unchecked, onProgress);
  } else unchecked.push(`The app's aggregates were not checked: ${aggregates.message}`);
  const storage = repair && (before?.damages.length ?? 0) > 0 ? await checkStorage() : before;
  return { storage, data, aggregates: results, unchecked, remaining: remaining(storage, data, results) };
}

async function checkAggregates(
  aggregates: Aggregates,
  repair: boolean,
  unchecked: string[],
  onProgress: (progress: CheckProgress) => void,
): Promise<VerifyResult[]> {
  const all = await aggregates.list();
  const results: VerifyResult[] = [];
  for (const { name } of all) {
    onProgress({ step: "aggregates", checked: results.length, total: all.length });
    try {
      results.push(await (repair ? aggregates.repair(name) : aggregates.verify(name)));
    } catch (error) {
      if (!isTrueupError(error)) throw error;
      unchecked.push(`The aggregate '${name}' was not checked: ${error.message}`);
    }
  }
  return results;
}

/** A damaged entry that is a document's, or is derived, is counted among the documents' differences. */
function remaining(storage: StorageCheck | null, data: DataCheck, results: readonly VerifyResult[]): number {
  const differences =
    data.differences.filter(({ fixed }) => !fixed).length +
    results.reduce((sum, result) => sum + result.remaining, 0);
  return differences > 0 ? differences : (storage?.damages.length ?? 0);
}
