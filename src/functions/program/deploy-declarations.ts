/**
 * The seam between the engine and what an app's modules declare for a deploy: transforms, renames of tables, waivers, and
 * migrations that a deploy starts; whoever wrote the class that they were declared with.
 */
import type { Document, Fields } from "../../database/index.js";

/** Under `Symbol.for("trueup.transform")`: a change of each document of a table, by a pure function. */
export interface DeclaredTransform {
  readonly kind: "transform";
  /** By its name in the new schema. */
  readonly table: string;
  readonly up: (document: Document) => Fields;
  readonly down?: (document: Document) => Fields;
  /** Names of transforms that go first. */
  readonly requires: readonly string[];
  /** Set when it renames a field and does nothing else: the old path, the new name. */
  readonly rename?: { readonly from: string; readonly to: string };
  /** Whether documents that an earlier migration has not come to are for it, too: it takes that one's place. */
  readonly takesUnmigrated?: boolean;
}

/** Under `Symbol.for("trueup.transform")` too: another name for a table. */
export interface DeclaredTableRename {
  readonly kind: "renameTable";
  readonly from: string;
  readonly to: string;
}

/** Under `Symbol.for("trueup.waiver")`. */
export interface DeclaredWaivers {
  readonly waivers: readonly string[];
}

/** How a migration stands, as far as a deploy wants to know it. */
export interface DeployMigrationStatus {
  readonly name: string;
  /** `inProgress`, `success`, `failed`, `canceled`, `paused`, `reverted` or `unknown`. */
  readonly state: string;
  readonly isDone: boolean;
  readonly processed: number;
  readonly total?: number | null;
  /** Of the processed documents, those in quarantine. */
  readonly failed?: number;
  readonly documentsPerSecond?: number | null;
  readonly remainingMs?: number | null;
  readonly error?: string;
  readonly errorDocumentId?: string;
}

/**
 * Under `Symbol.for("trueup.migration")`, on a registered mutation: a migration that a deploy starts.
 *
 * Contract: every method works in the transaction of the `ctx` it is given, one of the component that exports the migration.
 */
export interface DeployMigration {
  readonly table: string;
  /** Names of migrations that must be complete before. */
  readonly requires: readonly string[];
  /** As of a transform. */
  readonly takesUnmigrated?: boolean;
  /** The reference to the component that keeps its job: `components.migrations`. */
  readonly component: object;
  /** Starts or resumes it; nothing happens when it is done, paused or running. */
  start(ctx: object, name: string): Promise<unknown>;
  /** In the order of the names. */
  status(ctx: object, names: readonly string[]): Promise<readonly DeployMigrationStatus[]>;
  /** Ends it where it stands. */
  cancel(ctx: object, name: string): Promise<unknown>;
}
