/**
 * Transforms as the rooms above know them: pure functions that carry a table's documents from one shape to the
 * next. A table's documents lie in the storage in the shape they were written in, each with that shape's number;
 * every read carries them to the table's current shape, and background work writes that through until none lags.
 */
import type { Document, Fields } from "../documents/document.js";

/**
 * The document in the next shape. Gets a copy of its own; must be pure and synchronous, and leave `_id` and
 * `_creationTime` as they are (or out: they are put back).
 */
export type TransformFunction = (document: Document) => Fields;

/** One transform, as it is recorded: enough to find its function again after a restart. */
export interface TransformDefinition {
  /** Unique among the transforms of a deploy: "module:export". */
  readonly name: string;
  /** Whatever the resolver needs to find the very same function later, e.g. which stored program and direction. */
  readonly origin: string;
  /** Its opposite exists, so that it can be rolled back at once. */
  readonly hasDown: boolean;
  /**
   * The number of the shape that an earlier transform made and this one takes back (its function is that one's
   * `down`). A document that never reached that shape is then returned as it is stored, with nothing lost.
   */
  readonly undoes?: number;
}

/** What a resolver is asked about. */
export interface TransformRequest extends TransformDefinition {
  readonly componentPath: string;
  readonly tableName: string;
  /** The number of the shape that it makes. */
  readonly shape: number;
}

/**
 * Where the functions of transforms come from; undefined for one that is not loaded (reads of documents that
 * need it then throw TRANSFORM_MISSING). For one definition it must always answer with the same function.
 */
export type TransformResolver = (request: TransformRequest) => TransformFunction | undefined;

/** A document that a transform could not carry over. */
export interface TransformFailure {
  readonly id: string;
  readonly message: string;
}

/** A transform that is prepared, or that some documents still need. */
export interface TransformStatus extends TransformRequest {
  /**
   * `prepared`: indexes are built through it, nobody sees its documents yet. `lagging`: it is in force, and
   * documents of older shapes are still being written through.
   */
  readonly state: "prepared" | "lagging";
  readonly beganAtMs: number;
  /** How many documents the write-through has passed, and how many the table has. */
  readonly processed: number;
  readonly total: number;
  /** How many documents it could not carry over, with the first 20. A prepared transform has only the first that a write met. */
  readonly failed: number;
  readonly failures: readonly TransformFailure[];
  /**
   * How many documents stood elsewhere in an index than the transform puts them, as far as that was noticed since the process
   * began. Such a transform is no function of its document. Writes have mended their documents; reads of the others are refused.
   */
  readonly impure: number;
  /** False when the resolver has no function for it, or no resolver is set. */
  readonly isLoaded: boolean;
}

/** A transform whose last document was written through. */
export interface SettledTransform extends TransformRequest {
  /** The last figure of `TransformStatus`: index entries that it made wrong, and that were mended. */
  readonly impure: number;
}

/** Whether all stored documents of a component are known to fit its schema, or are on their way there. */
export type SchemaState =
  | { readonly state: "narrow" }
  | {
      readonly state: "pending";
      readonly sinceMs: number;
      readonly migrations: readonly string[];
      /** The table of each migration. */
      readonly tables: readonly string[];
    };

/** What `applySchema` may be told. */
export interface ApplySchemaOptions {
  /**
   * Documents at rest may not fit yet: these migrations, each of a table, are to mend them, those of one table in this order;
   * then `setNarrowed` is called.
   */
  readonly pending?: { readonly migrations: readonly string[]; readonly tables: readonly string[] };
}

/** What `prepareIndexes` may be told about the change that the schema will come with. */
export interface PrepareOptions {
  /** By the table's name in the schema: the transforms that will have begun by then, in their order. */
  readonly through?: Readonly<Record<string, readonly TransformDefinition[]>>;
  /** Tables that will be renamed: old name to new name. */
  readonly renames?: Readonly<Record<string, string>>;
}

/** What a rehearsal tries. */
export interface RehearsalPlan {
  readonly componentPath: string;
  /** The table's name now. */
  readonly tableName: string;
  /** The transforms, in the order in which they will begin. */
  readonly through: readonly RehearsedTransform[];
  /**
   * What is wrong with a resulting document, as texts or kinds to count by; nothing when it fits.
   * @param before The document as it reads now.
   */
  readonly check?: (document: Document, before: () => Document) => readonly RehearsalComplaint[];
  /** Called after every batch. */
  readonly onProgress?: (progress: { readonly processed: number; readonly total: number }) => void;
  /** Ends it early: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A transform to be tried. */
export interface RehearsedTransform {
  /** By which its losses are reported. */
  readonly name: string;
  readonly run: TransformFunction;
  /** The shape that it takes back, if it does; then losses are not looked for. */
  readonly undoes?: number | undefined;
  /** Says why the transform is not written for a document; null when it is. */
  readonly misfitOf?: ((document: Document) => string | null) | undefined;
  /** Its opposite, which should bring back what the transform was given. */
  readonly down?: TransformFunction | undefined;
  /**
   * Whether `down` should bring this document back. It need not where the result must change first, or where the document
   * is not in the form that `down` leads to.
   */
  readonly canComeBack?: ((before: Document, after: Document) => boolean) | undefined;
  /** The same function of another instance of its module. */
  readonly anew?: TransformFunction | undefined;
}

export interface RehearsalComplaint {
  /** Complaints are counted by this. */
  readonly kind: string;
  readonly message: string;
}

/** What a transform loses in one field of documents. */
export interface RehearsalLoss {
  /**
   * `lost`: the value neither stays nor is used. `notBroughtBack`: `down` after `up` leaves it out.
   * `broughtBackOtherwise`: `down` after `up` gives another value.
   */
  readonly kind: "lost" | "notBroughtBack" | "broughtBackOtherwise";
  readonly transform: string;
  /** "address.zip", "items[].sku"; "" for all of the document. */
  readonly path: string;
  readonly count: number;
  /** The first documents, at most 20. */
  readonly ids: readonly string[];
  /** The value of the first document that is lost, or what becomes of it, shortened. */
  readonly example: string;
}

/** Documents that failed in one way. */
export interface RehearsalFailure {
  /**
   * `threw`; `notADocument` (no object, a promise, no Convex values, too large); `systemFields` (another `_id` or
   * `_creationTime`); `impure` (it used a clock or the like, or another run on the same document gave another
   * result); or a kind of the check's.
   */
  readonly kind: string;
  readonly count: number;
  /** Of the first document of this kind. */
  readonly message: string;
  /** The first ones, at most 20. */
  readonly ids: readonly string[];
}

export interface Rehearsal {
  readonly processed: number;
  /** Documents that failed in some way, each counted once. */
  readonly failed: number;
  /** By kind, most frequent first. */
  readonly failures: readonly RehearsalFailure[];
  /** By field, most frequent first; at most 100. */
  readonly losses: readonly RehearsalLoss[];
}
