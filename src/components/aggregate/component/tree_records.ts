/**
 * The records of trees, one document for each namespace. Where the database has cells, one remembers the document of each
 * namespace, so that finding it is a read by id and no query: records are made once and never deleted.
 */
import type { Value } from "convex/values";
import { encodeKey } from "../../../values/index.js";
import type { Doc, Id } from "./_generated/dataModel.js";
import type { DatabaseReader, DatabaseWriter } from "./_generated/server.js";
import type { TreeFields } from "./documents.js";
import { nativeStoreOf, type CellCodec } from "./native_store.js";

const idCodec: CellCodec<Id<"trees">> = { encode: String, decode: (text) => text as Id<"trees"> };

export async function findRecord(
  db: DatabaseReader,
  namespace: Value | undefined,
): Promise<Doc<"trees"> | null> {
  const id = await nativeStoreOf(db)?.cells(idCodec).get(nameOf(namespace));
  if (id !== undefined) return await db.get("trees", id);
  return await db
    .query("trees")
    .withIndex("by_namespace", (q) => q.eq("namespace", namespace))
    .first();
}

/** Makes the record of a namespace, or brings it up to date. */
export async function writeRecord(
  db: DatabaseWriter,
  namespace: Value | undefined,
  record: Doc<"trees"> | null,
  fields: Omit<TreeFields, "namespace">,
): Promise<void> {
  if (record === null) {
    const id = await db.insert("trees", namespace === undefined ? fields : { namespace, ...fields });
    nativeStoreOf(db)?.cells(idCodec).set(nameOf(namespace), id);
  } else if (
    record.root !== fields.root ||
    record.maxNodeSize !== fields.maxNodeSize ||
    record.rootLazy !== fields.rootLazy ||
    record.measures.length !== fields.measures.length
  ) {
    await db.patch("trees", record._id, fields);
  }
}

function nameOf(namespace: Value | undefined): string {
  return `t${encodeKey([namespace])}`;
}
