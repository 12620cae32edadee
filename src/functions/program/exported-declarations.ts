/**
 * Recognises what modules export for a deploy to take up, by its brand and not by its class, since a bundle brings its own
 * copy of it. A declaration is called by the place of its export, `module:export`; one that is exported from several places,
 * by the first of them in the order of names.
 */
import {
  handoverBrand,
  migrationBrand,
  transformBrand,
  waiverBrand,
  type DeclaredHandover,
  type DeclaredTableRename,
  type DeclaredTransform,
  type DeclaredWaivers,
  type DeployMigration,
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
  readonly #transforms: Exported<DeclaredTransform>[] = [];
  readonly #tableRenames: Exported<DeclaredTableRename>[] = [];
  readonly #waivers: Exported<DeclaredWaivers>[] = [];
  readonly #migrations: Exported<DeployMigration>[] = [];
  readonly #handovers: Exported<DeclaredHandover>[] = [];

  /** Takes up every declaration among a module's exports. Modules come in the order of their paths. */
  add(modulePath: string, module: Readonly<Record<string, unknown>>): void {
    for (const exportName of Object.keys(module).toSorted()) {
      const value = module[exportName];
      if ((typeof value !== "object" && typeof value !== "function") || value === null) continue;
      if (this.#seen.has(value)) continue;
      const name = `${modulePath}:${exportName}`;
      const branded = value as Branded;
      const change = branded[transformBrand];
      if (change?.kind === "transform") this.#transforms.push({ name, declared: change });
      if (change?.kind === "renameTable") this.#tableRenames.push({ name, declared: change });
      if (branded[waiverBrand] !== undefined) this.#waivers.push({ name, declared: branded[waiverBrand] });
      if (branded[migrationBrand] !== undefined) {
        this.#migrations.push({ name, declared: branded[migrationBrand] });
      }
      if (branded[handoverBrand] !== undefined) {
        this.#handovers.push({ name, declared: branded[handoverBrand] });
      }
      this.#seen.add(value);
    }
  }

  get transforms(): readonly Exported<DeclaredTransform>[] {
    return this.#transforms;
  }

  get tableRenames(): readonly Exported<DeclaredTableRename>[] {
    return this.#tableRenames;
  }

  get waivers(): readonly Exported<DeclaredWaivers>[] {
    return this.#waivers;
  }

  get handovers(): readonly Exported<DeclaredHandover>[] {
    return this.#handovers;
  }

  /** Those that a deploy starts. */
  get migrations(): readonly Exported<DeployMigration>[] {
    return this.#migrations;
  }
}

interface Branded {
  readonly [transformBrand]?: DeclaredTransform | DeclaredTableRename;
  readonly [waiverBrand]?: DeclaredWaivers;
  readonly [migrationBrand]?: DeployMigration;
  readonly [handoverBrand]?: DeclaredHandover;
}
