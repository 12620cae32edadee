/**
 * Finds what modules export for the engine to take up: declarations for a deploy, and triggers that the database runs on every
 * write. They are recognised by their brands and not by their classes, since a bundle brings its own copy of a class. The
 * name of a declaration is the place of its export, `module:export`; of one that is exported from several places, the first
 * of them in the order of names.
 */
import {
  handoverBrand,
  migrationBrand,
  transformBrand,
  triggersBrand,
  waiverBrand,
  type DeclaredHandover,
  type DeclaredTableRename,
  type DeclaredTransform,
  type DeclaredWaivers,
  type DeployMigration,
  type TriggerFunction,
} from "../../seams/index.js";

/** A declaration with its name. */
export interface Exported<Declaration> {
  /** `module:export`. */
  readonly name: string;
  readonly declared: Declaration;
}

/** What the modules of one component declare for a deploy, in the order of names. */
export class ExportedDeclarations {
  readonly #seen = new Set<unknown>();
  readonly transforms: Exported<DeclaredTransform>[] = [];
  readonly tableRenames: Exported<DeclaredTableRename>[] = [];
  readonly waivers: Exported<DeclaredWaivers>[] = [];
  /** The migrations that a deploy starts. */
  readonly migrations: Exported<DeployMigration>[] = [];
  readonly handovers: Exported<DeclaredHandover>[] = [];

  /** Takes up every declaration among a module's exports. Modules come in the order of their paths. */
  add(modulePath: string, module: Readonly<Record<string, unknown>>): void {
    for (const exportName of Object.keys(module).toSorted()) {
      const value = module[exportName];
      if ((typeof value !== "object" && typeof value !== "function") || value === null) continue;
      if (this.#seen.has(value)) continue;
      const name = `${modulePath}:${exportName}`;
      const branded = value as Branded;
      const change = branded[transformBrand];
      if (change?.kind === "transform") this.transforms.push({ name, declared: change });
      if (change?.kind === "renameTable") this.tableRenames.push({ name, declared: change });
      if (branded[waiverBrand] !== undefined) this.waivers.push({ name, declared: branded[waiverBrand] });
      if (branded[migrationBrand] !== undefined) {
        this.migrations.push({ name, declared: branded[migrationBrand] });
      }
      if (branded[handoverBrand] !== undefined) {
        this.handovers.push({ name, declared: branded[handoverBrand] });
      }
      this.#seen.add(value);
    }
  }
}

interface Branded {
  readonly [transformBrand]?: DeclaredTransform | DeclaredTableRename;
  readonly [waiverBrand]?: DeclaredWaivers;
  readonly [migrationBrand]?: DeployMigration;
  readonly [handoverBrand]?: DeclaredHandover;
}

/** The triggers of one component by table, and the instances that they come from. */
export class ExportedTriggers {
  readonly #instances = new Set<object>();
  /** The triggers of each table, in the order they were registered. */
  readonly byTable: Map<string, readonly TriggerFunction[]> = new Map();

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
        this.byTable.set(tableName, [...(this.byTable.get(tableName) ?? []), ...functions]);
      }
    }
  }

  /** True when the database already runs the registrations of this instance. */
  has(instance: object): boolean {
    return this.#instances.has(instance);
  }
}
