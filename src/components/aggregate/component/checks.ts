/** Runs of checks, as `advance` meets them. */
import type { DatabaseReader, DatabaseWriter } from "./_generated/server.js";

/** What a generation's latest run that is over has found. */
export type LastVerified = { atMs: number; differences: number; durationMs: number };

/** The run that is to go on in a generation, or null. */
export function dueRun(_db: DatabaseReader, _generation: number): Promise<string | null> {
  return Promise.resolve(null);
}

/** Begins a run. Null while there are no checks. */
export function beginRun(
  _db: DatabaseWriter,
  _run: { generation: number; repair: boolean; startedBy: string },
): Promise<string | null> {
  return Promise.resolve(null);
}

/** What the latest run of a generation found, and how many of its differences are not repaired. */
export function lastVerified(
  _db: DatabaseReader,
  _generation: number,
): Promise<{ lastVerified: LastVerified | null; drift: number | null }> {
  return Promise.resolve({ lastVerified: null, drift: null });
}

/** Deletes what is kept of a dropped generation's runs, in parts; true when nothing is left. */
export function clearRuns(_db: DatabaseWriter, _generation: number): Promise<boolean> {
  return Promise.resolve(true);
}
