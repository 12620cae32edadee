/** What the database stores and hands out. */
import type { Value } from "convex/values";

/** A stored document with its two system fields. Every one handed out is the receiver's own to change. */
export interface Document {
  [field: string]: Value | undefined;
  _id: string;
  /** Milliseconds since 1970, unique and ordered within a transaction. */
  _creationTime: number;
}

/** The fields of a document to be written, before they are known to be Convex values. */
export type Fields = Readonly<Record<string, unknown>>;
