/**
 * What Trueup's own `ctx.db` offers beyond Convex's: cells, which keep a value decoded across transactions, and the
 * number of a table's documents at once. Convex Cloud and convex-test have neither.
 */
import type { TableNamesInDataModel } from "convex/server";
import type { DataModel, Doc, Id } from "../_generated/dataModel.js";
import type { DatabaseReader } from "../_generated/server.js";

type TableNames = TableNamesInDataModel<DataModel>;

const brand = Symbol.for("trueup.nativeStore");

/** How a cell's value is stored. */
export interface CellCodec<T> {
  encode(value: T): string;
  decode(text: string): T;
}

/** Cells by name. Values must not be changed in place. `set` is there in mutations only. */
export interface Cells<T> {
  get(name: string): T | undefined | Promise<T | undefined>;
  set(name: string, value: T | undefined): void;
  /** The names that start with a prefix, up to `take` of them. */
  names(prefix: string, take: number): Promise<string[]>;
}

export interface NativeStore {
  cells<T>(codec: CellCodec<T>): Cells<T>;
  /** At once when the storage answers at once. */
  count(tableName: string): number | Promise<number>;
  /** The same for a document. */
  get<Name extends TableNames>(tableName: Name, id: Id<Name>): Doc<Name> | null | Promise<Doc<Name> | null>;
}

/** Null on every other backend. */
export function nativeStoreOf(db: DatabaseReader): NativeStore | null {
  const native: unknown = Reflect.get(db, brand);
  return isNativeStore(native) ? native : null;
}

function isNativeStore(value: unknown): value is NativeStore {
  return typeof value === "object" && value !== null && "cells" in value;
}
