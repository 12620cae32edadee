/**
 * What the component stores about generations: the fills of a managed aggregate, each of them made by one definition.
 * What changes seldom, and every call reads, is apart from the progress, which changes with every batch: live writers and
 * batches have no document in common. (Aliases, not interfaces: only those are documents to Convex's types.)
 */

/**
 * `building`: being filled. `checking`: filled, being compared with the table. `ready`: answers reads. `failed`: a document or the
 * check stopped it; it is still kept in step, and goes on where it stopped. `dropped`: no longer kept in step, being cleared.
 */
export type GenerationStatus = "building" | "checking" | "ready" | "failed" | "dropped";

/** Why a generation failed; with the document that did it. */
export type GenerationFailure = {
  message: string;
  documentId?: string;
};

/** A generation. Generation 0, the one of unmanaged aggregates, has no document. */
export type GenerationFields = {
  /** From 1 on; never used twice. */
  generation: number;
  /** The fingerprint of the definition that fills it; the table's name is in it. */
  definition: string;
  status: GenerationStatus;
  startedAtMs: number;
  readyAtMs?: number;
  /** When nothing was left of a dropped one. */
  clearedAtMs?: number;
  failure?: GenerationFailure;
};

/** Where a fill has come to in the order of creation. */
export type FillCursor = {
  creationTime: number;
  id: string;
};

/** How far the fill of a generation has come. Written by every batch, and by nothing else. */
export type BuildFields = {
  generation: number;
  /** Everything up to here is filled in; absent before the first batch. */
  cursor?: FillCursor;
  /** True when the fill has met the end of the table. */
  isFilled: boolean;
  processed: number;
  /** The number of documents when the build began; null where the database does not keep it. */
  total: number | null;
  /** When the oldest and the newest document were created then: where there is no total, they tell how far it is. */
  span: { first: number; last: number } | null;
  /** How many documents the next batch may take. */
  batchSize: number;
  /** Time that passed between batches, without breaks. */
  activeMs: number;
  latestAtMs: number;
};
