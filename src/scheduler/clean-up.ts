/**
 * Removes jobs that ended a week ago, as Convex does, and the answers of clients that are gone. It looks once an hour and
 * removes a few hundred at a time.
 */
import type { Database } from "../database/index.js";
import { forgetSessions } from "../functions/index.js";
import { jobsByCompletedTime, jobsTable } from "./job-table.js";

const keepMs = 7 * 24 * 60 * 60 * 1000;
const intervalMs = 60 * 60 * 1000;
const batchSize = 256;

export class CleanUp {
  readonly #database: Database;
  /** When it looks again, in milliseconds since 1970. */
  next = 0;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Removes what is old enough, in transactions of a few hundred. */
  async runDue(components: readonly string[]): Promise<void> {
    const now = Date.now();
    if (now < this.next) {
      return;
    }
    this.next = now + intervalMs;
    await forgetSessions(this.#database, now);
    for (const path of components) {
      while ((await this.#removeSome(path, now - keepMs)) === batchSize) {
        // Each batch lets other transactions go first.
      }
    }
  }

  async #removeSome(componentPath: string, before: number): Promise<number> {
    const { value } = await this.#database.mutate(
      async (tx) => {
        const jobs = tx.system(componentPath);
        const old = await jobs
          .stream({
            source: {
              type: "IndexRange",
              indexName: jobsByCompletedTime,
              range: [
                { type: "Gte", fieldPath: "completedTime", value: 0 },
                { type: "Lt", fieldPath: "completedTime", value: before },
              ],
              order: "asc",
            },
            operators: [],
          })
          .take(batchSize);
        for (const document of old) {
          await jobs.delete(document._id, jobsTable);
        }
        return old.length;
      },
      { limits: null },
    );
    return value;
  }
}
