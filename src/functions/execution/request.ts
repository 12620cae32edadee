/** The request that a call from outside becomes: made once, shared by everything that the call runs. */
import { randomUUID } from "node:crypto";
import type { FunctionCall, JobRun } from "../call.js";
import type { Request } from "./execution.js";
import { LogBuffer } from "./log-buffer.js";

/** A new request; `job` when the scheduler makes the call. */
export function newRequest(call: Partial<FunctionCall>, job: JobRun | null): Request {
  return {
    id: call.requestId ?? randomUUID(),
    identity: call.identity ?? null,
    ip: call.ip ?? null,
    userAgent: call.userAgent ?? null,
    authToken: call.authToken ?? null,
    scheduledFunctionId: job?.id ?? null,
    scheduledIn: job?.componentPath ?? "",
    origin: job?.origin ?? call.requestId ?? null,
    log: new LogBuffer(),
    journal: { endCursor: call.journal ?? null },
  };
}
