/**
 * Goes through everything that a backend has stored, from the pages of its file to its aggregates. Each room checks what is
 * its own, and this file puts their reports together.
 */
import type { Database, DataCheck } from "../database/index.js";
import { codeTables } from "../deploy/index.js";
import { isTrueupError } from "../errors/index.js";
import type { Aggregates, VerifyResult } from "../integrity/index.js";
import type { StorageCheck } from "../storage/storage.js";

/** How `backend.check()` goes about it. */
export interface CheckOptions {
  /** Whether to mend what is derived from documents: ids, index entries, counts, aggregates (default false). */
  readonly repair?: boolean;
  /** Called again and again while the check goes on. */
  readonly onProgress?: (progress: CheckProgress) => void;
}

/** How far a check is. One step follows the other; after a repair the entries are checked once more. */
export interface CheckProgress {
  readonly step: "entries" | "documents" | "aggregates";
  /** How many entries, documents and index entries, or aggregates were checked. */
  readonly checked: number;
  /** How many there are; null when that is not known. */
  readonly total: number | null;
}

/** What a check has found. Nothing is wrong when `remaining` is 0 and `unchecked` is empty. */
export interface CheckReport {
  /** What the storage says of itself; null for one that cannot be damaged. After a repair it is what is still damaged. */
  readonly storage: StorageCheck | null;
  /** Where ids, index entries and counts differ from the documents, and what was mended. */
  readonly data: DataCheck;
  /** What verifying each managed aggregate has found, and what a repair has mended. */
  readonly aggregates: readonly VerifyResult[];
  /** What could not be looked at, in whole sentences. */
  readonly unchecked: readonly string[];
  /** How many differences and damages are left. */
  readonly remaining: number;
}

/**
 * Checks what a database holds. O(everything).
 * @param aggregates The aggregates, or why they are not checked: the program that knows them is not there.
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

/** Counts what is left. A damaged entry that is a document's, or is derived from one, counts among the documents' differences. */
function remaining(storage: StorageCheck | null, data: DataCheck, results: readonly VerifyResult[]): number {
  const differences =
    data.differences.filter(({ fixed }) => !fixed).length +
    results.reduce((sum, result) => sum + result.remaining, 0);
  return differences > 0 ? differences : (storage?.damages.length ?? 0);
}
