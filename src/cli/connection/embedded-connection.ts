/** A connection that runs the pushed code in this process, which has the data open meanwhile. */
import type { Backend, SchemaChanges } from "../../backend/index.js";
import { examineDocuments, type ExaminedComponent } from "../../deploy/index.js";
import { isTrueupError } from "../../errors/index.js";
import { logStrayFailures } from "../../functions/index.js";
import { parseRenames } from "../../schema/index.js";
import type {
  AggregateWork,
  CallOutcome,
  Connection,
  ExamineRequest,
  FunctionCall,
  KeyWork,
  ScheduledWork,
} from "./connection.js";

export class EmbeddedConnection implements Connection {
  readonly serverUrl: undefined = undefined;
  readonly workers: string;
  readonly aggregates: AggregateWork;
  readonly keys: KeyWork;
  readonly #backend: Backend;

  /** @param options `log` takes the errors of what functions left behind when they had ended. */
  constructor(
    backend: Backend,
    { log, workers }: { readonly log: (line: string) => void; readonly workers: string },
  ) {
    this.#backend = backend;
    this.workers = workers;
    const { aggregates, keys } = backend;
    this.keys = keys;
    this.aggregates = {
      list: () => aggregates.list(),
      resume: async (name) => aggregates.resume(name),
      startVerify: (name, options) => aggregates.startVerify(name, options),
      report: (name, runId, cursor) => aggregates.report(name, runId, cursor),
    };
    // This is never undone, since what a function left behind may fail after the connection was closed.
    logStrayFailures(log);
  }

  async call(call: FunctionCall): Promise<CallOutcome> {
    const outcome = await this.#backend.run({
      path: call.path,
      componentPath: call.componentPath,
      args: call.args,
      identity: call.identity ?? null,
      allowInternal: true,
      ...(call.onlyQuery ? { kind: "query" as const } : {}),
      ...(call.requestId === undefined ? {} : { requestId: call.requestId }),
    });
    if (outcome.status === "success") return outcome;
    return {
      status: "error",
      message: outcome.errorMessage,
      ...(isTrueupError(outcome.error) ? { code: outcome.error.code } : {}),
      ...(outcome.errorData === undefined ? {} : { data: outcome.errorData }),
      logLines: outcome.logLines,
    };
  }

  work(requestId: string): Promise<ScheduledWork> {
    return this.#backend.scheduler.work(requestId);
  }

  examine({ schemas, renames, readsDocuments }: ExamineRequest): Promise<readonly ExaminedComponent[]> {
    const options = { renames: parseRenames(renames), readsDocuments };
    return examineDocuments(this.#backend.database, schemas, options);
  }

  schemaChanges(): Promise<SchemaChanges> {
    return this.#backend.schemaChanges();
  }

  close(): Promise<void> {
    return this.#backend.close();
  }
}
