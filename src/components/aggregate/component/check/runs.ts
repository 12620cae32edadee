/** A run of a check within one of its steps: its record and progress are held in memory, and written once when the step ends. */
import type { WithoutSystemFields } from "convex/server";
import { encodeKey } from "../../../../values/index.js";
import { differingBuckets, type BucketSums, type NodeRef } from "../../tree/index.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { DatabaseReader, DatabaseWriter } from "../_generated/server.js";
import { differenceKinds } from "../../../../seams/index.js";
import type { CheckPhase, DifferenceCounts } from "./tables.js";
import type { StoredTree } from "../forest/forest.js";
import { namespaceField } from "../interface/operation.js";

/** What a document that belongs to a run says, besides the run. */
type NewRow<Table extends "differences" | "checkBuckets" | "checkSums"> = Omit<
  WithoutSystemFields<Doc<Table>>,
  "run"
>;

/** Zero for each kind of difference. */
export function noDifferences(): DifferenceCounts {
  return Object.fromEntries(differenceKinds.map((kind) => [kind, 0])) as DifferenceCounts;
}

/** How many documents, or items, the first step of a phase takes. */
export const firstBatch = 256;
/** The most that a step takes when each document costs as much as it can, for a transaction may make 4,096 queries. */
const maxBatch = 1024;
/** The most that a step takes when it only adds documents up, which needs no query. */
const maxBatchToAdd = 4096;
/** How long the component's part of a step should take, beside the reading of the table. */
const stepMs = 30;

export class CheckRun {
  readonly row: Doc<"checkRuns"> & { counts: DifferenceCounts };
  readonly step: Doc<"checkSteps">;
  readonly #db: DatabaseWriter;
  /** The documents that differences were recorded for in this step. */
  readonly foundIds: string[] = [];
  #found = 0;
  /** Whether trees are damaged, as far as that is known, by encoded namespace. */
  readonly #damage: Map<string, boolean> = new Map();

  private constructor(db: DatabaseWriter, row: Doc<"checkRuns">, step: Doc<"checkSteps">) {
    this.#db = db;
    this.row = { ...row, counts: { ...noDifferences(), ...row.counts } };
    this.step = { ...step };
  }

  /** A run that is under way, or null. */
  static async open(db: DatabaseWriter, id: Id<"checkRuns">): Promise<CheckRun | null> {
    const row = await db.get("checkRuns", id);
    const step = await ofRun(db, "checkSteps", id);
    return row?.status === "running" && step !== null ? new CheckRun(db, row, step) : null;
  }

  get id(): Id<"checkRuns"> {
    return this.row._id;
  }

  /** Begins a phase. */
  begin(phase: CheckPhase): void {
    this.step.phase = phase;
    this.step.batchSize = firstBatch;
    delete this.step.cursor;
    delete this.step.place;
  }

  /** Sizes the next step by the time that this one took. Where the clock stands still, steps grow up to the limits. */
  paceNext(elapsedMs: number): void {
    const factor = elapsedMs > 0 ? Math.min(2, Math.max(0.25, stepMs / elapsedMs)) : 2;
    const most = this.step.phase === "digest" ? maxBatchToAdd : maxBatch;
    this.step.batchSize = Math.max(16, Math.min(most, Math.round(this.step.batchSize * factor)));
  }

  /** Records a difference. */
  async record(difference: NewRow<"differences">): Promise<void> {
    this.#found++;
    if (difference.kind !== "structure") this.foundIds.push(difference.id);
    this.row.counts[difference.kind]++;
    if (difference.fixed) this.row.fixed++;
    await this.#db.insert("differences", { run: this.id, ...difference });
  }

  /** The differences that this run has recorded for a document. */
  recorded(id: string): Promise<Doc<"differences">[]> {
    return this.#db
      .query("differences")
      .withIndex("by_run_and_id", (q) => q.eq("run", this.id).eq("id", id))
      .collect();
  }

  async #markDamaged(tree: Pick<StoredTree, "namespace">): Promise<void> {
    const space = spaceOf(tree);
    if (await this.isDamaged(space)) return;
    this.#damage.set(space, true);
    await this.#db.insert("checkDamage", {
      run: this.id,
      space,
      ...namespaceField(tree.namespace),
      state: "found",
    });
  }

  /** Records what is wrong with a node of a tree, which is to be rebuilt then. */
  async recordDamage(
    tree: Pick<StoredTree, "namespace">,
    node: NodeRef,
    problem: string,
    message: string,
  ): Promise<void> {
    await this.#markDamaged(tree);
    const actual = { ...namespaceField(tree.namespace), problem, message };
    await this.record({ id: String(node), kind: "structure", expected: null, actual, fixed: false });
  }

  /** Counts differences that were mended after they were recorded. */
  countFixed(count: number): void {
    this.row.fixed += count;
    this.#found += count;
  }

  /** True when the tree of an encoded namespace is known to be damaged. */
  async isDamaged(space: string): Promise<boolean> {
    if (this.row.counts.structure === 0) return false;
    let isDamaged = this.#damage.get(space);
    if (isDamaged === undefined) {
      const damage = this.#db
        .query("checkDamage")
        .withIndex("by_run", (q) => q.eq("run", this.id).eq("space", space));
      isDamaged = (await damage.first()) !== null;
      this.#damage.set(space, isDamaged);
    }
    return isDamaged;
  }

  /** The buckets of the run. */
  async buckets(): Promise<Doc<"checkBuckets">> {
    return present(await ofRun(this.#db, "checkBuckets", this.id));
  }

  /** What the run has added up, by bucket. */
  async sums(): Promise<Doc<"checkSums">> {
    return present(await ofRun(this.#db, "checkSums", this.id));
  }

  /** The buckets in which the documents and the trees differ. */
  async differing(): Promise<Set<number>> {
    const sums = await this.sums();
    return new Set(differingBuckets(documentSums(sums), treeSums(sums)));
  }

  saveBuckets(id: Id<"checkBuckets">, fields: NewRow<"checkBuckets">): Promise<void> {
    return this.#db.patch("checkBuckets", id, fields);
  }

  saveSums(id: Id<"checkSums">, fields: Partial<NewRow<"checkSums">>): Promise<void> {
    return this.#db.patch("checkSums", id, fields);
  }

  addSums(sums: NewRow<"checkSums">): Promise<Id<"checkSums">> {
    return this.#db.insert("checkSums", { run: this.id, ...sums });
  }

  /** Writes what the step has changed. */
  async save(): Promise<void> {
    const { _id, _creationTime, ...step } = this.step;
    await this.#db.replace("checkSteps", _id, step);
    if (this.#found === 0) return;
    const { counts, fixed } = this.row;
    await this.#db.patch("checkRuns", this.id, { counts, fixed });
  }

  /** Ends the run. */
  async finish(ending: Pick<Doc<"checkRuns">, "status" | "failure">): Promise<void> {
    const { counts, fixed, startedAtMs } = this.row;
    const { nodes, items, documents } = this.step;
    await this.#db.patch("checkRuns", this.id, {
      ...ending,
      counts,
      fixed,
      checked: { nodes, items, documents },
      durationMs: Date.now() - startedAtMs,
    });
    await dropProgress(this.#db, this.id);
  }
}

/** Deletes what only a run that goes on needs. */
export async function dropProgress(db: DatabaseWriter, run: Id<"checkRuns">): Promise<void> {
  for (const table of ["checkSteps", "checkBuckets", "checkSums"] as const) {
    const row = await ofRun(db, table, run);
    if (row !== null) await db.delete(table, row._id);
  }
}

export function documentSums({ documentCounts, documentDigests }: NewRow<"checkSums">): BucketSums {
  return { counts: documentCounts, digests: documentDigests };
}

export function treeSums({ treeCounts, treeDigests }: NewRow<"checkSums">): BucketSums {
  return { counts: treeCounts, digests: treeDigests };
}

/** The encoding by which a tree's namespace is named in places. */
export function spaceOf({ namespace }: Pick<StoredTree, "namespace">): string {
  return encodeKey([namespace]);
}

export async function ofRun<Table extends "checkSteps" | "checkBuckets" | "checkSums">(
  db: DatabaseReader,
  table: Table,
  run: Id<"checkRuns">,
): Promise<Doc<Table> | null> {
  return db
    .query(table)
    .withIndex("by_run", (q) => q.eq("run", run as never))
    .first();
}

function present<T>(row: T | null): T {
  if (row === null) throw new Error("a run that goes on lacks a part of its progress");
  return row;
}
