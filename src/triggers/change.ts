/** What a trigger is told: which document of a table changed, and both of its images. */
import type {
  DocumentByName,
  GenericDatabaseWriter,
  GenericDataModel,
  TableNamesInDataModel,
} from "convex/server";
import type { GenericId } from "convex/values";

/**
 * One write to one document. `oldDoc` is the document before the write, null for an insert; `newDoc` the
 * document right after it, null for a delete.
 */
export type Change<DataModel extends GenericDataModel, TableName extends TableNamesInDataModel<DataModel>> = {
  id: GenericId<TableName>;
} & (
  | { operation: "insert"; oldDoc: null; newDoc: DocumentByName<DataModel, TableName> }
  | {
      operation: "update";
      oldDoc: DocumentByName<DataModel, TableName>;
      newDoc: DocumentByName<DataModel, TableName>;
    }
  | { operation: "delete"; oldDoc: DocumentByName<DataModel, TableName>; newDoc: null }
);

/**
 * Runs after a write to a table, in the same transaction. Writes through `ctx.db` run the triggers of the
 * tables they touch; writes through `ctx.innerDb` run none. Throwing aborts the mutation.
 */
export type Trigger<
  Ctx,
  DataModel extends GenericDataModel,
  TableName extends TableNamesInDataModel<DataModel>,
> = (
  ctx: Ctx & { innerDb: GenericDatabaseWriter<DataModel> },
  change: Change<DataModel, TableName>,
) => Promise<void>;
