/**
 * Waits for the work that a call set off, with a line of progress: how many scheduled functions are done,
 * run and wait, and how far the migrations among them are.
 */
import type { Connection, ScheduledWork } from "./connection.js";
import { fetchMigrations, type MigrationRow } from "../migrations/migration-rows.js";
import { ProgressLine } from "../output/progress-line.js";
import { quantity } from "../output/quantities.js";
import { pause, type Terminal } from "../output/terminal.js";

const intervalMs = 250;

/** Resolves when nothing is left to run, or as things stand when the user interrupts. */
export async function followWork(
  connection: Connection,
  requestId: string,
  terminal: Terminal,
): Promise<ScheduledWork> {
  const line = new ProgressLine(terminal.stderr);
  let work = await connection.work(requestId);
  if (isDone(work)) return work;
  let hasMigrations = true;
  while (!isDone(work) && !terminal.interrupted.aborted) {
    const rows: MigrationRow[] | undefined = hasMigrations
      ? await fetchMigrations(connection, "migrations").catch(() => undefined)
      : [];
    hasMigrations = rows !== undefined;
    line.update(describe(work, rows ?? []));
    await pause(intervalMs, terminal.interrupted);
    work = await connection.work(requestId);
  }
  line.end(isDone(work) ? `${quantity(work.succeeded + work.failed)} scheduled functions done.` : undefined);
  return work;
}

function isDone(work: ScheduledWork): boolean {
  return work.pending + work.inProgress === 0;
}

function describe(work: ScheduledWork, rows: readonly MigrationRow[]): string {
  const counts = `${quantity(work.succeeded + work.failed)} done, ${quantity(work.inProgress)} running, ${quantity(work.pending)} waiting`;
  const running = rows
    .filter((row) => row.state === "inProgress")
    .map(
      (row) =>
        `${row.name} ${quantity(row.processed)}${row.total === undefined ? "" : `/${quantity(row.total)}`}`,
    );
  return ["scheduled work:", counts, ...(running.length === 0 ? [] : [`(${running.join(", ")})`])].join(" ");
}
