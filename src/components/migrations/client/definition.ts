/** What an app declares of a migration, with the types of its tables, and the same without them. */
import type {
  DocumentByName,
  FunctionReference,
  GenericDataModel,
  GenericDocument,
  GenericMutationCtx,
  NamedTableInfo,
  OrderedQuery,
  QueryInitializer,
  TableNamesInDataModel,
} from "convex/server";
import type { GenericId } from "convex/values";
import type { MigrationArgs } from "../protocol.js";
import type { AnySchema, RangeBuilder } from "./range.js";

/** How many documents the first batch of a migration takes that prescribes no size. */
export const DEFAULT_BATCH_SIZE = 100;

/** A function made by `Migrations.define`, like `internal.migrations.addRole`. */
export type MigrationFunctionReference = FunctionReference<"mutation", "internal", MigrationArgs>;

/** What `Migrations.define` takes. */
export interface MigrationDefinition<
  DataModel extends GenericDataModel,
  TableName extends TableNamesInDataModel<DataModel>,
> {
  /** The table whose documents to go through. */
  table: TableName;
  /**
   * Changes one document. An object it returns is applied to the document as a patch. Runs once for every
   * document of the range, also if the migration fails and is resumed; a document may be changed by others
   * before its turn, so it should look before it writes.
   */
  migrateOne: (
    ctx: GenericMutationCtx<DataModel>,
    doc: DocumentByName<DataModel, TableName> & { _id: GenericId<TableName> },
  ) => Change<DataModel, TableName> | Promise<Change<DataModel, TableName>>;
  /** The documents to go through, when not all: a query with an index, a filter or an order, unread. */
  customRange?:
    | ((
        q: QueryInitializer<NamedTableInfo<DataModel, TableName>>,
      ) => OrderedQuery<NamedTableInfo<DataModel, TableName>>)
    | undefined;
  /** At most so many documents in one transaction. Left out, batches size themselves, from 100 on. */
  batchSize?: number | undefined;
  /** Start `migrateOne` for several documents of a batch at once. */
  parallelize?: boolean | undefined;
}

type Change<DataModel extends GenericDataModel, TableName extends TableNamesInDataModel<DataModel>> = PatchOf<
  DocumentByName<DataModel, TableName>
> | void;

/** Fields to change; undefined removes an optional one. */
type PatchOf<Document> = {
  [Field in keyof Document]?: undefined extends Document[Field]
    ? Document[Field] | undefined
    : Document[Field];
};

/** A definition without its types, with the options of its `Migrations`. */
export interface PlainDefinition {
  readonly table: string;
  readonly migrateOne: (ctx: GenericMutationCtx<GenericDataModel>, doc: GenericDocument) => unknown;
  readonly customRange: RangeBuilder | undefined;
  readonly batchSize: number | undefined;
  readonly parallelize: boolean;
  readonly schema: AnySchema | undefined;
}
