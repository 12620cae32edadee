/**
 * The records of trees: one document for each namespace of a generation. Where the database has cells, a cell remembers the id of
 * each record, so that finding a record takes a read by id and no query. That is possible because records are deleted only with
 * their generation, when nobody asks for them any more. In documents, generation 0 is an absent field.
 */
import type { Value } from "convex/values";
import { encodeKey } from "../../../../values/index.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { DatabaseWriter } from "../_generated/server.js";
import { nativeStoreOf, type CellCodec } from "../../../../seams/index.js";
import type { Readings } from "../reading/readings.js";
import { namespaceField } from "../interface/operation.js";

const idCodec: CellCodec<Id<"trees">> = { encode: String, decode: (text) => text as Id<"trees"> };

/** The record of a namespace; null when it has none. @throws Missing */
export function findRecord(
  readings: Readings,
  generation: number,
  namespace: Value | undefined,
): Doc<"trees"> | null {
  const { db, native } = readings;
  const name = nameOf(generation, namespace);
  const id = readings.cell(idCodec, name);
  if (native !== null && id !== undefined) return readings.take(id, () => native.get("trees", id));
  return readings.read(`record ${name}`, () =>
    db
      .query("trees")
      .withIndex("by_generation", (q) =>
        q.eq("generation", storedGeneration(generation)).eq("namespace", namespace),
      )
      .first(),
  );
}

/** Makes the record of a namespace, or writes what has changed in it. */
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
      ...namespaceField(namespace),
      ...fields,
    });
    nativeStoreOf(db)?.cells(idCodec).set(nameOf(generation, namespace), id);
  } else await db.patch("trees", record._id, fields);
}

/** Deletes the record of a tree that nobody asks for any more. */
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

/** The generation that the successors of a generation's trees have: a negative number, which no real generation has. */
export function successorGeneration(generation: number): number {
  return -1 - generation;
}

function nameOf(generation: number, namespace: Value | undefined): string {
  return `t${generation === 0 ? "" : generation}${encodeKey([namespace])}`;
}
