/** Decides in which order the migrations run that deploys start; those of one table run one after the other. */
import type { Exported } from "../../functions/index.js";
import type { DeployMigration, DeployMigrationStatus } from "../../seams/index.js";
import { orderByRequires } from "../steps/order-by-requires.js";
import { hasBegun } from "./migration-status.js";

type Statuses = ReadonlyMap<string, DeployMigrationStatus>;

/**
 * Those that a pending schema has awaited longest come first, then others that have begun, then new ones by their names; and
 * each comes after those that it requires. So a later one meets documents that the earlier ones have finished with.
 * @throws TRANSFORM_INVALID when they require each other
 */
export function inOrder(
  migrations: readonly Exported<DeployMigration>[],
  awaited: readonly string[],
  statuses: Statuses,
): readonly Exported<DeployMigration>[] {
  const rank = (name: string): number => {
    const at = awaited.indexOf(name);
    if (at >= 0) return at;
    return awaited.length + (hasBegun(statuses.get(name)) ? 0 : 1);
  };
  const items = migrations
    .map((migration) => ({ name: migration.name, requires: migration.declared.requires, migration }))
    .toSorted((a, b) => rank(a.name) - rank(b.name));
  return orderByRequires(items, { kind: "migration", isDone: () => true }).map(({ migration }) => migration);
}
