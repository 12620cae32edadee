/**
 * A call together with the work that it sets off: what it answered, and how that work ended. While the work goes on, a line
 * of progress tells how many scheduled functions are done, run and wait, and how far the migrations among them are.
 */
import { convexToJson, type JSONValue, type Value } from "convex/values";
import { isComponentCode, TrueupError, type ErrorCode } from "../../errors/index.js";
import { fetchMigrations, type MigrationRow } from "../migrations/migration-rows.js";
import { countText, errorText, paceText } from "../migrations/migration-text.js";
import { ProgressLine } from "../output/progress.js";
import { quantity } from "../output/quantities.js";
import { pause, type Terminal } from "../output/terminal.js";
import type { CallOutcome, Connection, FunctionCall, ScheduledWork } from "./connection.js";

const intervalMs = 250;
const migrationsPath = "migrations";

export interface CallOptions {
  /** Leaves the work to the server, or to whoever opens the data file next, and does not wait for it. */
  readonly detach?: true;
}

/** What a call answered, and how its work stood at last. */
export interface EndedCall {
  readonly json: JSONValue;
  readonly logLines: readonly string[];
  /** Nothing is left to do unless the call was detached or the user interrupted. */
  readonly work: ScheduledWork;
}

/**
 * Calls a function, and waits for the work that it scheduled.
 *
 * @param onValue Gets the function's value before the wait.
 * @throws FUNCTION_FAILED, or the failure's own code, when the function failed; SCHEDULED_WORK_FAILED when work that it
 *   scheduled did.
 */
export async function callToTheEnd(
  connection: Connection,
  call: FunctionCall & { readonly requestId: string },
  { detach }: CallOptions,
  terminal: Terminal,
  onValue: (json: JSONValue) => void = () => {},
): Promise<EndedCall> {
  const calledMs = Date.now();
  const { value, logLines } = succeeded(await connection.call(call));
  const json = convexToJson(value);
  onValue(json);
  const work = detach
    ? await connection.work(call.requestId)
    : await followWork(connection, call.requestId, calledMs, terminal);
  const failure = failureOf(work);
  if (failure !== undefined) throw new TrueupError("SCHEDULED_WORK_FAILED", failure, { value: json, work });
  return { json, logLines, work };
}

/** The sentence about work that is left to others; undefined when none is. */
export function leftToText(connection: Connection, work: ScheduledWork): string | undefined {
  const left = work.pending + work.inProgress;
  if (left === 0) return undefined;
  return `${quantity(left)} scheduled function${left === 1 ? " is" : "s are"} left to ${connection.workers}.`;
}

/** The outcome of a success. @throws FUNCTION_FAILED, or the failure's own code, when the function failed */
export function succeeded(outcome: CallOutcome): Extract<CallOutcome, { status: "success" }> {
  if (outcome.status === "success") return outcome;
  const { data, logLines } = outcome;
  const { code = "FUNCTION_FAILED", message } = refusalOf(data) ?? outcome;
  throw new TrueupError(code, message, {
    ...(data === undefined ? {} : { data: convexToJson(data) }),
    logLines,
  });
}

/** What a component refuses, with the code that it names; undefined when the data are something else. */
function refusalOf(data: Value | undefined): { code?: ErrorCode; message: string } | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const fields: Readonly<Record<string, unknown>> = { ...data };
  const { code, message } = fields;
  if (typeof code !== "string" || typeof message !== "string") return undefined;
  return isComponentCode(code) ? { code, message } : { message: `${code}: ${message}` };
}

/** The sentence about the first failure of the work; undefined when nothing failed. */
function failureOf(work: ScheduledWork | FollowedWork): string | undefined {
  const [migration] = "failedMigrations" in work ? work.failedMigrations : [];
  if (migration !== undefined) return `The migration ${migration.name} failed: ${errorText(migration)}`;
  if (work.failed === 0) return undefined;
  const which = work.failed === 1 ? "A scheduled function" : `${quantity(work.failed)} scheduled functions`;
  return `${which} failed: ${work.lastError ?? "no message"}`;
}

/** How the work ended, or how it stood when the user interrupted. */
interface FollowedWork extends ScheduledWork {
  /** Migrations that ran meanwhile and failed. Their functions succeed, since they record the failure. */
  readonly failedMigrations: readonly MigrationRow[];
}

/**
 * Resolves when nothing is left to run, or when the user interrupts.
 *
 * @param calledMs When the call was made: a migration that started and failed before that has nothing to do with it.
 */
async function followWork(
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

/** The app's migrations; undefined when it has no migrations component at the usual place. */
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
