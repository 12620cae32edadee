/**
 * The records of trees, one document for each namespace of a generation. Where the database has cells, one remembers the
 * document of each namespace, so that finding it is a read by id and no query: records are made once, and deleted only with
 * their generation, when nothing asks for them any more. In documents, generation 0 is an absent field.
 */
import type { Value } from "convex/values";
import { encodeKey } from "../../../../values/index.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { DatabaseReader, DatabaseWriter } from "../_generated/server.js";
import type { CellCodec } from "../../../../seams/index.js";
import { nativeStoreOf } from "../native/store.js";

const idCodec: CellCodec<Id<"trees">> = { encode: String, decode: (text) => text as Id<"trees"> };

export async function findRecord(
  db: DatabaseReader,
  generation: number,
  namespace: Value | undefined,
): Promise<Doc<"trees"> | null> {
  const id = await nativeStoreOf(db)?.cells(idCodec).get(nameOf(generation, namespace));
  if (id !== undefined) return await db.get("trees", id);
  return await db
    .query("trees")
    .withIndex("by_generation", (q) =>
      q.eq("generation", storedGeneration(generation)).eq("namespace", namespace),
    )
    .first();
}

/** The same with what is at hand; undefined when it has to be looked for. */
export function findRecordNow(
  db: DatabaseReader,
  generation: number,
  namespace: Value | undefined,
): Doc<"trees"> | null | undefined {
  const native = nativeStoreOf(db);
  const id = native?.cells(idCodec).get(nameOf(generation, namespace));
  if (native === null || id === undefined || id instanceof Promise) return undefined;
  const record = native.get("trees", id);
  return record instanceof Promise ? undefined : record;
}

/** Makes the record of a namespace, or brings it up to date. */
export async function writeRecord(
  db: DatabaseWriter,
  generation: number,
  namespace: Value | undefined,
  record: Doc<"trees"> | null,
  fields: Pick<Doc<"trees">, "root" | "maxNodeSize" | "rootLazy" | "measures">,
): Promise<void> {
  if (record === null) {
    const id = await db.insert("trees", {
      ...(generation === 0 ? {} : { generation }),
      ...(namespace === undefined ? {} : { namespace }),
      ...fields,
    });
    nativeStoreOf(db)?.cells(idCodec).set(nameOf(generation, namespace), id);
  } else if (
    record.root !== fields.root ||
    record.maxNodeSize !== fields.maxNodeSize ||
    record.rootLazy !== fields.rootLazy ||
    record.measures.length !== fields.measures.length
  ) {
    await db.patch("trees", record._id, fields);
  }
}

/** Deletes the record of a tree whose generation was dropped. */
export async function deleteRecord(db: DatabaseWriter, record: Doc<"trees">): Promise<void> {
  await db.delete("trees", record._id);
  nativeStoreOf(db)
    ?.cells(idCodec)
    .set(nameOf(record.generation ?? 0, record.namespace), undefined);
}

/** A generation as records have it in their index. */
export function storedGeneration(generation: number): number | undefined {
  return generation === 0 ? undefined : generation;
}

/** The generation that the successors of a generation's trees have: none that is counted. */
export function successorGeneration(generation: number): number {
  return -1 - generation;
}

function nameOf(generation: number, namespace: Value | undefined): string {
  return `t${generation === 0 ? "" : generation}${encodeKey([namespace])}`;
}
