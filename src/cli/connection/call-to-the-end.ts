/** A call together with the work that it sets off: what it answered, and how that work ended. */
import { convexToJson, type JSONValue, type Value } from "convex/values";
import { TrueupError } from "../../errors/index.js";
import { errorText } from "../migrations/migration-table.js";
import { quantity } from "../output/quantities.js";
import type { Terminal } from "../output/terminal.js";
import type { CallOutcome, Connection, FunctionCall, ScheduledWork } from "./connection.js";
import { followWork, type FollowedWork } from "./follow-work.js";

export interface CallOptions {
  /** Leaves the work to whoever runs it, and does not wait. */
  readonly detach?: true;
}

export interface EndedCall {
  readonly json: JSONValue;
  readonly logLines: readonly string[];
  /** As it stood in the end: nothing is left unless it was detached or the user interrupted. */
  readonly work: ScheduledWork;
}

/**
 * Calls a function and waits for what it scheduled.
 *
 * @param onValue Told of the value before the work is waited for.
 * @throws FUNCTION_FAILED, or the code that the failure has; SCHEDULED_WORK_FAILED
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

/** What to say about work that is left; undefined when none is. */
export function leftToText(connection: Connection, work: ScheduledWork): string | undefined {
  const left = work.pending + work.inProgress;
  if (left === 0) return undefined;
  const where = connection.serverUrl ?? "the next `trueup dev` or `trueup run`";
  return `${quantity(left)} scheduled function${left === 1 ? " is" : "s are"} left to ${where}.`;
}

/** @throws FUNCTION_FAILED, or the code that the failure has, when the function failed. */
export function succeeded(outcome: CallOutcome): Extract<CallOutcome, { status: "success" }> {
  if (outcome.status === "success") return outcome;
  const { code = "FUNCTION_FAILED", message, data, logLines } = outcome;
  throw new TrueupError(code, codedMessageOf(data) ?? message, {
    ...(data === undefined ? {} : { data: convexToJson(data) }),
    logLines,
  });
}

/** What a component says of a refusal, without the stack around it; undefined where the data are something else. */
function codedMessageOf(data: Value | undefined): string | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const fields: Readonly<Record<string, unknown>> = { ...data };
  const { code, message } = fields;
  return typeof code === "string" && typeof message === "string" ? `${code}: ${message}` : undefined;
}

function failureOf(work: ScheduledWork | FollowedWork): string | undefined {
  const [migration] = "failedMigrations" in work ? work.failedMigrations : [];
  if (migration !== undefined) return `The migration ${migration.name} failed: ${errorText(migration)}`;
  if (work.failed === 0) return undefined;
  const which = work.failed === 1 ? "A scheduled function" : `${quantity(work.failed)} scheduled functions`;
  return `${which} failed: ${work.lastError ?? "no message"}`;
}
