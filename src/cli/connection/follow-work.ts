/**
 * Waits for the work that a call set off, with a line of progress: how many scheduled functions are done,
 * run and wait, and how far the migrations among them are.
 */
import { fetchMigrations, type MigrationRow } from "../migrations/migration-rows.js";
import { countText, paceText } from "../migrations/migration-table.js";
import { ProgressLine } from "../output/progress-line.js";
import { quantity } from "../output/quantities.js";
import { pause, type Terminal } from "../output/terminal.js";
import type { Connection, ScheduledWork } from "./connection.js";

const intervalMs = 250;
const migrationsPath = "migrations";

/** How the work ended, or stood when the user interrupted. */
export interface FollowedWork extends ScheduledWork {
  /** Migrations that ran meanwhile and failed: their functions succeed, since they record the failure. */
  readonly failedMigrations: readonly MigrationRow[];
}

/**
 * Resolves when nothing is left to run, or as things stand when the user interrupts.
 *
 * @param calledMs When the call was made: a migration that failed before it is not the call's.
 */
export async function followWork(
  connection: Connection,
  requestId: string,
  calledMs: number,
  terminal: Terminal,
): Promise<FollowedWork> {
  let work = await connection.work(requestId);
  const hasWork = work.pending + work.inProgress + work.succeeded + work.failed > 0;
  const line = new ProgressLine(terminal.stderr);
  const seenRunning = new Set<string>();
  let rows = await migrationsOf(connection);
  for (;;) {
    const running = rows?.filter((row) => row.state === "inProgress") ?? [];
    for (const row of running) seenRunning.add(row.name);
    if (isDone(work) || terminal.interrupted.aborted) break;
    line.update(describe(work, running));
    await pause(intervalMs, terminal.interrupted);
    work = await connection.work(requestId);
    rows &&= await migrationsOf(connection);
  }
  line.end(hasWork && isDone(work) ? doneText(work) : undefined);
  const isOurs = (row: MigrationRow): boolean =>
    seenRunning.has(row.name) || (row.latestStart ?? 0) >= calledMs;
  return { ...work, failedMigrations: rows?.filter((row) => row.state === "failed" && isOurs(row)) ?? [] };
}

function doneText(work: ScheduledWork): string {
  const count = work.succeeded + work.failed;
  return count === 1 ? "1 scheduled function done." : `${quantity(count)} scheduled functions done.`;
}

function isDone(work: ScheduledWork): boolean {
  return work.pending + work.inProgress === 0;
}

/** Undefined when the app has no migrations component at the usual place. */
async function migrationsOf(connection: Connection): Promise<MigrationRow[] | undefined> {
  try {
    return await fetchMigrations(connection, migrationsPath);
  } catch {
    return undefined;
  }
}

function describe(work: ScheduledWork, running: readonly MigrationRow[]): string {
  const counts = `${quantity(work.succeeded + work.failed)} done, ${quantity(work.inProgress)} running, ${quantity(work.pending)} waiting`;
  const migrations = running.map((row) => `${row.name} ${countText(row)} ${paceText(row)}`.trimEnd());
  return [`scheduled work: ${counts}`, ...migrations].join("; ");
}
