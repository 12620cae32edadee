/**
 * Recognises what a module exports to be run by the database on every write: `Triggers` instances, known
 * by a brand and not by their class, since a bundle brings its own copy of it. This is the one place
 * that knows which exports hook into writes.
 */
import { triggersBrand, type TriggerFunction } from "../../seams/index.js";

/** The triggers of one component by table, and the instances that they come from. */
export class ExportedTriggers {
  readonly #instances = new Set<object>();
  readonly #byTable = new Map<string, TriggerFunction[]>();

  /** Takes up every Triggers instance among a module's exports; one exported twice counts once. */
  add(module: Readonly<Record<string, unknown>>): void {
    for (const value of Object.values(module)) {
      if (
        typeof value !== "object" ||
        value === null ||
        !(triggersBrand in value) ||
        this.#instances.has(value)
      ) {
        continue;
      }
      this.#instances.add(value);
      const { registered } = value[triggersBrand] as {
        registered: Record<string, readonly TriggerFunction[]>;
      };
      for (const [tableName, functions] of Object.entries(registered)) {
        this.#byTable.set(tableName, [...(this.#byTable.get(tableName) ?? []), ...functions]);
      }
    }
  }

  /** True when the database already runs the registrations of this instance. */
  has(instance: object): boolean {
    return this.#instances.has(instance);
  }

  /** The triggers of each table, in the order they were registered. */
  get byTable(): ReadonlyMap<string, readonly TriggerFunction[]> {
    return this.#byTable;
  }
}
