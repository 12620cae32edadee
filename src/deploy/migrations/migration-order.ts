/** The order in which the migrations that deploys start run, those of one table one after the other. */
import type { Exported } from "../../functions/index.js";
import type { DeployMigration, DeployMigrationStatus } from "../../seams/index.js";
import { orderByRequires } from "../steps/order-by-requires.js";
import { hasBegun } from "./migration-status.js";

type Statuses = ReadonlyMap<string, DeployMigrationStatus>;

/**
 * Those that a pending schema has awaited longest come first, then others that have begun, then new ones by their names; and
 * each behind those that it requires. So whatever comes later meets documents that the earlier ones are done with.
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
