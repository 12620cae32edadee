/**
 * The work on one aggregate as its keeper does it, step by step. What is due is asked of the aggregate; a build that is due is
 * made in bulk, and then a step is a stretch of that. All that is kept here is the build under way.
 */
import type { ExportedAggregate } from "../functions/index.js";
import type { Advance } from "../seams/index.js";
import type { AggregateCalls, ReaderOf } from "./aggregate-calls.js";
import { TableBulkBuild } from "./bulk-build.js";

export class AggregateWork {
  #build: TableBulkBuild | null = null;

  /** Whether a build in bulk is under way. */
  get isInBulk(): boolean {
    return this.#build !== null;
  }

  /**
   * Makes a step. Null when another definition than the given one is the active program's.
   * @param readerOf How the table is read; left out, as it is.
   */
  async step(
    calls: AggregateCalls,
    found: ExportedAggregate,
    definition: string,
    readerOf?: ReaderOf,
  ): Promise<Advance | null> {
    const { aggregate } = found;
    const bulk = { underWay: this.#build?.generation ?? null };
    const options = aggregate.bulkBuild === undefined ? {} : { bulk };
    try {
      const advance = await calls.workWhile(found, definition, options, readerOf);
      if (advance?.bulk === undefined || aggregate.bulkBuild === undefined) {
        await this.close();
        return advance;
      }
      if (this.#build?.generation !== advance.bulk) {
        await this.close();
        this.#build = new TableBulkBuild(aggregate.bulkBuild(advance.bulk), calls.isShared);
        return advance;
      }
      return await this.#goOn(this.#build, advance, calls, found, readerOf);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Gives up the build under way, which begins anew when it is due again. Idempotent. */
  async close(): Promise<void> {
    const build = this.#build;
    this.#build = null;
    await build?.close();
  }

  async #goOn(
    build: TableBulkBuild,
    { bulk: _bulk, ...advance }: Advance,
    calls: AggregateCalls,
    found: ExportedAggregate,
    readerOf: ReaderOf | undefined,
  ): Promise<Advance> {
    const outcome = await build.step({
      read: (behind, limit) => calls.readTable(found, behind, limit, readerOf),
      write: (run) => calls.mutate(found, run),
    });
    if (outcome === "again") return advance;
    if (typeof outcome === "object") {
      if (build.isOver) await this.close();
      return outcome;
    }
    await this.close();
    return outcome === "ready" ? { ...advance, state: "ready" } : advance;
  }
}
