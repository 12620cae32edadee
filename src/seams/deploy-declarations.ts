/**
 * The seam between the engine and what modules declare for a deploy: transforms, renames of tables, waivers, migrations that
 * a deploy starts, and how a component takes the place of another one. A declaration carries its brand, and the engine finds
 * it among the exports of the modules; Convex Cloud passes it over.
 */

/** An object carries a `DeclaredTransform` or a `DeclaredTableRename` under this symbol. */
export const transformBrand: unique symbol = Symbol.for("trueup.transform");
/** An object carries `DeclaredWaivers` under this symbol. */
export const waiverBrand: unique symbol = Symbol.for("trueup.waiver");
/** A registered mutation carries a `DeployMigration` under this symbol. */
export const migrationBrand: unique symbol = Symbol.for("trueup.migration");
/** An export of a component carries a `DeclaredHandover` under this symbol. */
export const handoverBrand: unique symbol = Symbol.for("trueup.handover");

type Fields = Readonly<Record<string, unknown>>;

/** A change of each document of a table by a pure, synchronous function. */
export interface DeclaredTransform {
  readonly kind: "transform";
  /** The table's name in the new schema. */
  readonly table: string;
  readonly up: (document: Fields) => Fields;
  readonly down?: (document: Fields) => Fields;
  /** The names, `module:export`, of the transforms that go first. */
  readonly requires: readonly string[];
  /** Set when the transform renames a field and does nothing else: the old path and the new name. */
  readonly rename?: { readonly from: string; readonly to: string };
  /**
   * Whether the transform also takes documents that an earlier migration of the table has not reached: then it takes the
   * place of that migration.
   */
  readonly takesUnmigrated?: boolean;
}

/** Another name for a table. */
export interface DeclaredTableRename {
  readonly kind: "renameTable";
  readonly from: string;
  readonly to: string;
}

/** Rules that need not stop the deploy, by the places that they are waived for. */
export interface DeclaredWaivers {
  readonly waivers: readonly string[];
}

/**
 * How a component takes over the data of another one when it takes its place at the same path, and how it gives its own data
 * back. So a component can be exchanged by changing an import.
 *
 * The engine tells the two components apart by their schemas: a schema with all tables of `own` is this component's, one with
 * all tables of `other` and none of `own` is the other one's.
 */
export interface DeclaredHandover {
  readonly own: readonly string[];
  readonly other: readonly string[];
  /** Left out where this component's schema accepts what the other one has stored as it is. */
  readonly arrive?: HandoverStep;
  readonly leave: HandoverStep;
}

/**
 * One direction of a handover, carried out within the transaction of the deploy.
 *
 * Contract: `begin` runs while the schema before is in force; it reads what is to be carried over and empties the tables that
 * both schemas have. The function that it returns runs when the new schema is in force, and writes. `ctx` is that of a
 * mutation of the component, without limits. A ConvexError that either function throws refuses the deploy and is told.
 */
export interface HandoverStep {
  /** Tables of the schema before that need no waiver and whose documents are not held against the new schema. */
  readonly carries: readonly string[];
  /** Names of components that the other component mounts for its own work: their data is deleted unless they stay mounted. */
  readonly forgets?: readonly string[];
  begin(ctx: object, options: HandoverOptions): Promise<FinishHandover>;
}

/** The type of a method, so that a component may give its `ctx` the types of its own tables. */
type FinishHandover = { finish(ctx: object): Promise<unknown> }["finish"];

/** What a handover is told. */
export interface HandoverOptions {
  /** Whether the new program exports a managed aggregate of the component, which builds itself. */
  readonly isManaged: boolean;
  /** The tables of the schema before: another version of the other component may lack some. */
  readonly tables: ReadonlySet<string>;
}

/** How a migration stands, as far as a deploy needs to know. */
export interface DeployMigrationStatus {
  readonly name: string;
  /** `inProgress`, `success`, `failed`, `canceled`, `paused`, `reverted` or `unknown`. */
  readonly state: string;
  readonly isDone: boolean;
  readonly processed: number;
  readonly total?: number | null;
  /** How many of the processed documents are in quarantine. */
  readonly failed?: number;
  readonly documentsPerSecond?: number | null;
  readonly remainingMs?: number | null;
  readonly error?: string;
  readonly errorDocumentId?: string;
}

/**
 * A migration that a deploy starts, watches and ends; its name is the `module:export` of the mutation that carries it.
 *
 * Contract: every method works in the transaction of the `ctx` that it is given, which is one of the component that exports
 * the migration.
 */
export interface DeployMigration {
  readonly table: string;
  /** The names of migrations that must be complete before. */
  readonly requires: readonly string[];
  /** Whether it takes documents of either shape, in the place of a migration that is not complete. */
  readonly takesUnmigrated?: boolean;
  /** The reference to the component that keeps its job: `components.migrations`. */
  readonly component: object;
  /** Starts or resumes it and runs its first batch; does nothing when it is done, paused or running. */
  start(ctx: object, name: string): Promise<unknown>;
  /** The statuses in the order of the names. */
  status(ctx: object, names: readonly string[]): Promise<readonly DeployMigrationStatus[]>;
  /** Ends it where it stands. */
  cancel(ctx: object, name: string): Promise<unknown>;
}
