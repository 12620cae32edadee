/**
 * The seam between the engine and what modules declare for a deploy: transforms, renames of tables, waivers, migrations that a
 * deploy starts, and how a component takes the place of another; whoever wrote the class that they were declared with.
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

/**
 * Under `Symbol.for("trueup.handover")`, in the code of a component: how it takes over the data of another one, whose place it
 * takes at the same path, and how it gives its own back. So a component can be exchanged by changing an import.
 *
 * The two are told by their schemas: its own has all tables of `own`, the other's has all of `other` and none of `own`.
 */
export interface DeclaredHandover {
  readonly own: readonly string[];
  readonly other: readonly string[];
  /** Left out where its own schema takes what the other has stored as it is. */
  readonly arrive?: HandoverStep;
  readonly leave: HandoverStep;
}

/**
 * One direction, within the transaction of the deploy.
 *
 * Contract: `begin` runs while the schema before is in force, reads what is to be carried over, and empties those of the
 * tables that both schemas have; what it returns runs when the new schema is in force, and writes. `ctx` is that of a mutation of
 * the component, without limits. A ConvexError that either throws refuses the deploy, and its message is told.
 */
export interface HandoverStep {
  /** Tables of the schema before. They need no waiver, and their documents are not held against the new schema. */
  readonly carries: readonly string[];
  /** Names of components that the other one mounts for its own work: what they have stored goes, unless they stay mounted. */
  readonly forgets?: readonly string[];
  begin(ctx: object, options: HandoverOptions): Promise<(ctx: object) => Promise<unknown>>;
}

/** What a handover is told. */
export interface HandoverOptions {
  /** Whether the new program exports a managed aggregate of the component, which builds itself. */
  readonly isManaged: boolean;
  /** Those of the schema before: another version of the other component may lack some. */
  readonly tables: ReadonlySet<string>;
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
