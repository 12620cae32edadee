/** Builds all aggregates of a program here and now, for tests: their tables are empty, or small. */
import type { Database } from "../database/index.js";
import type { LoadedProgram } from "../functions/index.js";
import { AggregateCalls, type AggregateRuntime } from "./aggregate-calls.js";

/**
 * Begins each aggregate of a program and works on it until nothing is due, or until it has failed: then its reads say why.
 * The program must be in place, so that writes are followed.
 */
export async function buildAtOnce(
  database: Database,
  runtime: AggregateRuntime,
  program: LoadedProgram,
): Promise<void> {
  const calls = new AggregateCalls(database, runtime, program);
  for (const found of program.aggregates().values()) {
    await database.mutate((tx) => calls.begin(tx, found), { limits: null });
    for (let isDue = true; isDue;) {
      const { due, state } = await calls.work(found);
      isDue = due && state !== "failed";
    }
  }
}
