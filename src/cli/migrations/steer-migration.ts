/**
 * Steers one migration by name. Starting and rehearsing call the migration itself, which is a function of the app; everything
 * else calls the component. Then it waits for the work that the call set off, and shows the state of the migration.
 */
import { randomUUID } from "node:crypto";
import { convexToJson, type Value } from "convex/values";
import type { DataOptions } from "../arguments/chosen-data.js";
import { parseFunctionName } from "../arguments/function-name.js";
import { callToTheEnd, leftToText, succeeded } from "../connection/call-to-the-end.js";
import type { Connection } from "../connection/connection.js";
import { exitCodes, type ExitCode } from "../exit-codes.js";
import type { Terminal } from "../output/terminal.js";
import { fetchMigrations, withAverageRate } from "./migration-rows.js";
import { migrationLine } from "./migration-text.js";

/** What can be done with a migration. */
export type Deed = "run" | "pause" | "resume" | "cancel" | "retry" | "revert" | "verify" | "tune" | "history";

/** The options of the command, as they were typed. */
export interface SteerOptions extends DataOptions {
  /** Where the migrations component is mounted. */
  readonly component: string;
  readonly json?: true;
  readonly detach?: true;
  readonly dryRun?: true;
  readonly full?: true;
  readonly reset?: true;
  readonly batchSize?: number;
  readonly rate?: number;
  readonly onError?: string;
}

type Arguments = Record<string, Value>;

/**
 * Does the deed, and prints how it went.
 *
 * @throws FUNCTION_NOT_FOUND when the app has no such migration; what the component refuses, by its code;
 *   SCHEDULED_WORK_FAILED when the migration fails.
 */
export async function steerMigration(
  connection: Connection,
  deed: Deed,
  given: string,
  options: SteerOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const name = migrationName(terminal.folder, given);
  const { component } = options;
  const ask = async (path: string, args: Arguments): Promise<Value> =>
    succeeded(await connection.call({ path, args, componentPath: component })).value;
  if (deed === "history") {
    print(await ask("lib:getHistory", { name }), terminal, options);
    return exitCodes.success;
  }
  const call = callOf(deed, name, options);
  const componentPath = deed === "run" ? "" : component;
  const ended = await callToTheEnd(
    connection,
    { ...call, componentPath, requestId: randomUUID() },
    options,
    terminal,
  );
  const left = leftToText(connection, ended.work);
  if (left !== undefined) terminal.stderr.line(left);
  if (left !== undefined && options.detach === undefined) return exitCodes.interrupted;
  if (options.dryRun && !options.full) {
    terminal.stdout.line(JSON.stringify(ended.json, null, 2));
    return hasFailed(ended.json) ? exitCodes.drifted : exitCodes.success;
  }
  if (deed === "verify" || options.dryRun) {
    const kind = deed === "verify" ? "verify" : "rehearse";
    const checks = (await ask("lib:getChecks", { name })) as unknown as readonly Check[];
    return printCheck(
      checks.find((check) => check.kind === kind),
      terminal,
      options,
    );
  }
  return await showRow(connection, name, options, terminal);
}

async function showRow(
  connection: Connection,
  name: string,
  options: SteerOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const rows = await fetchMigrations(connection, options.component);
  const row = rows.find((each) => each.name === name);
  if (row === undefined) return exitCodes.success;
  const rated = withAverageRate(row, Date.now());
  terminal.stdout.line(options.json ? JSON.stringify(rated) : migrationLine(rated));
  if ((row.failed ?? 0) === 0) return row.state === "failed" ? exitCodes.failed : exitCodes.success;
  terminal.stderr.line(
    `${row.failed} in quarantine. Mend the documents or the migration, then run \`trueup migrations retry ${name}\`.`,
  );
  return exitCodes.drifted;
}

/** Whether a dry run of one batch found a document that could not be migrated. */
function hasFailed(answer: unknown): boolean {
  return (
    typeof answer === "object" &&
    answer !== null &&
    "Status" in answer &&
    String(answer.Status).startsWith("DRY RUN: Migration failed")
  );
}

interface Check {
  readonly kind: string;
  /** `failed` when the check could not be made. */
  readonly state: string;
  /** The number of documents for which the app's code threw. */
  readonly failed: number;
  readonly findings: { readonly violated?: number; readonly notIdempotent?: number };
}

/** Prints a check. The exit code is 2 when it found something wrong, 1 when it could not be made. */
function printCheck(check: Check | undefined, terminal: Terminal, options: SteerOptions): ExitCode {
  if (check === undefined) return exitCodes.success;
  print({ ...check }, terminal, options);
  const { state, failed, findings } = check;
  if (state === "failed") return exitCodes.failed;
  const found = failed + (findings.violated ?? 0) + (findings.notIdempotent ?? 0);
  return found > 0 ? exitCodes.drifted : exitCodes.success;
}

function print(value: Value, terminal: Terminal, { json }: SteerOptions): void {
  terminal.stdout.line(JSON.stringify(convexToJson(value), null, json ? undefined : 2));
}

function callOf(
  deed: Exclude<Deed, "history">,
  name: string,
  options: SteerOptions,
): { path: string; args: Arguments } {
  const startedBy = "trueup migrations";
  switch (deed) {
    case "run":
      return {
        path: name,
        args: present({
          dryRun: options.dryRun,
          full: options.full,
          reset: options.reset,
          ...tuning(options),
        }),
      };
    case "resume":
    case "revert":
      return { path: `lib:${deed}`, args: { name, startedBy } };
    case "verify":
      return { path: "lib:check", args: { name, kind: "verify", startedBy } };
    case "tune":
      return { path: "lib:tune", args: { name, ...tuning(options) } };
    case "pause":
    case "cancel":
    case "retry":
      return { path: `lib:${deed}`, args: { name } };
  }
}

function tuning({ batchSize, rate, onError }: SteerOptions): Arguments {
  return present({ batchSize, maxDocumentsPerSecond: rate, onError });
}

function present(args: Record<string, Value | undefined>): Arguments {
  return Object.fromEntries(
    Object.entries(args).filter((entry): entry is [string, Value] => entry[1] !== undefined),
  );
}

/** The migration's function: a name without a module means one of the module `migrations`. */
function migrationName(folder: string, given: string): string {
  const isBare = !/[:./]/.test(given);
  return parseFunctionName(folder, isBare ? `migrations:${given}` : given);
}
