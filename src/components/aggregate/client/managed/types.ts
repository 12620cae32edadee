/**
 * The seam between a managed aggregate and whatever keeps it in step: the engine on Trueup, triggers and scheduled functions
 * elsewhere. A `TableAggregate` with a table carries a `ManagedAggregate` under `managedAggregate`.
 */
import type {
  GenericActionCtx,
  GenericDatabaseReader,
  GenericDataModel,
  GenericDocument,
  GenericMutationCtx,
  GenericQueryCtx,
} from "convex/server";
import type { GenericId } from "convex/values";
import type { ComponentApi } from "../../component/_generated/component.js";
import type { WrittenItem } from "../operations.js";

export type StoredDocument = GenericDocument & { _id: GenericId<string>; _creationTime: number };

/** A document before and after a write. */
export interface DocumentImages {
  oldDoc: StoredDocument | null;
  newDoc: StoredDocument | null;
}

/** One write of a document of the table. */
export type DocumentChange =
  | { operation: "insert"; id: string; oldDoc: null; newDoc: StoredDocument }
  | { operation: "update"; id: string; oldDoc: StoredDocument; newDoc: StoredDocument }
  | { operation: "delete"; id: string; oldDoc: StoredDocument; newDoc: null };

/** What status and reports need of a context. */
export type StatusCtx = Pick<GenericQueryCtx<GenericDataModel>, "runQuery">;
/** What following a write needs of a context: a mutation's, so that both are one transaction, wherever that is possible. */
export type FollowCtx =
  | Pick<GenericMutationCtx<GenericDataModel>, "runQuery" | "runMutation">
  | Pick<GenericActionCtx<GenericDataModel>, "runQuery" | "runMutation">;
/** What a part of a build, or of a check, needs: it reads the table. */
export type AdvanceCtx = Pick<GenericMutationCtx<GenericDataModel>, "db" | "runQuery" | "runMutation"> &
  Partial<Pick<GenericMutationCtx<GenericDataModel>, "meta">>;

/** What reading the table for a step needs of a context. */
export type LookCtx = Pick<AdvanceCtx, "meta"> & { readonly db: GenericDatabaseReader<GenericDataModel> };

/** A table as an aggregate sees it. */
export interface Source {
  readonly component: ComponentApi;
  readonly table: string;
  readonly definition: string;
  /**
   * The item of a document. Throws AGGREGATE_DOCUMENT_FAILED, with the document's id, when a function of the definition throws.
   */
  itemOf(document: StoredDocument): WrittenItem;
}
