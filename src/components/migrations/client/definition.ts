/** What an app declares of a migration, with the types of its tables, and the same without these types. */
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
import { migrationError } from "../component/failures.js";
import { given } from "../component/given.js";
import type { MigrationArgs, OnError, Policy } from "../component/protocol.js";
import type { AnySchema, RangeBuilder } from "./range/range.js";

/** The first batch of a migration that prescribes no size takes so many documents. */
export const defaultBatchSize = 100;

const maxRanges = 64;

/** A function made by `Migrations.define`, like `internal.migrations.addRole`. */
export type MigrationFunctionReference = FunctionReference<"mutation", "internal", MigrationArgs>;

/** What `Migrations.define` takes for a migration. */
export interface MigrationDefinition<
  DataModel extends GenericDataModel,
  TableName extends TableNamesInDataModel<DataModel>,
> {
  /** The table whose documents to go through. */
  table: TableName;
  /**
   * Changes one document. An object that it returns is applied to the document as a patch. It runs once for every
   * document of the range, also if the migration fails and is resumed. Others may change a document
   * before its turn, so it should look before it writes.
   */
  migrateOne: MigrateOne<DataModel, TableName>;
  /** The documents to go through when these are not all: a query with an index, a filter or an order, which was not read. */
  customRange?: CustomRange<DataModel, TableName> | undefined;
  /** At most so many documents in one transaction. When it is left out, batches size themselves, from 100 on. */
  batchSize?: number | undefined;
  /** Starts `migrateOne` for up to 32 documents of a batch at once. */
  parallelize?: boolean | undefined;
  /**
   * Goes through so many disjoint ranges of the table at once, each with batches, a cursor and a worker of its own (1 to 64,
   * 1 when it is left out). The first batch divides what is left evenly by creation time, or by the numbers that a custom
   * range's index has next; a range over anything else stays one.
   */
  ranges?: number | undefined;
  /**
   * Returns true for a document that is as the migration wants it. The migration skips such documents, a revert goes through
   * no others, and `verify` finds all others.
   */
  isMigrated?: ((doc: DocumentByName<DataModel, TableName>) => boolean) | undefined;
  /** Undoes `migrateOne` on one document. With it the migration can be reverted. */
  down?: MigrateOne<DataModel, TableName> | undefined;
  /** The documents that `down` goes through. It is needed with `customRange`, which migrated documents may have left. */
  revertRange?: CustomRange<DataModel, TableName> | undefined;
  /** Migrations that must be complete before this one may run. */
  requires?: readonly (MigrationFunctionReference | string)[] | undefined;
  /**
   * A deploy that exports the migration starts it unless it is done, and its schema may be one that the documents fit only when
   * the migration is done. This is for databases that know such schemas; see docs/one-deploy.md.
   */
  runOnDeploy?: boolean | undefined;
  /**
   * Says that `migrateOne` takes documents of either shape, in place of a `runOnDeploy` migration of the table that is not
   * complete and that the deploy no longer exports. Without it such a deploy is refused.
   */
  takesUnmigrated?: boolean | undefined;
  /** What to do about a document that cannot be migrated: to "stop" (the default), or to "quarantine" it and go on. */
  onError?: OnError | undefined;
  /** The number of documents a second that the migration must not exceed, with all of its ranges. */
  maxDocumentsPerSecond?: number | undefined;
}

type MigrateOne<DataModel extends GenericDataModel, TableName extends TableNamesInDataModel<DataModel>> = (
  ctx: GenericMutationCtx<DataModel>,
  doc: DocumentByName<DataModel, TableName> & { _id: GenericId<TableName> },
) => Change<DataModel, TableName> | Promise<Change<DataModel, TableName>>;

type CustomRange<DataModel extends GenericDataModel, TableName extends TableNamesInDataModel<DataModel>> = (
  q: QueryInitializer<NamedTableInfo<DataModel, TableName>>,
) => OrderedQuery<NamedTableInfo<DataModel, TableName>>;

type Change<DataModel extends GenericDataModel, TableName extends TableNamesInDataModel<DataModel>> = PatchOf<
  DocumentByName<DataModel, TableName>
> | void;

/** The fields to change; undefined removes an optional field. */
type PatchOf<Document> = {
  [Field in keyof Document]?: undefined extends Document[Field]
    ? Document[Field] | undefined
    : Document[Field];
};

/** A definition without its types, completed by the options of its `Migrations`. */
export interface PlainDefinition extends Pick<
  MigrationDefinition<GenericDataModel, string>,
  "table" | "batchSize" | "parallelize" | "isMigrated" | "runOnDeploy" | "takesUnmigrated"
> {
  readonly migrateOne: ChangeOne;
  readonly down: ChangeOne | undefined;
  readonly customRange: RangeBuilder | undefined;
  readonly revertRange: RangeBuilder | undefined;
  readonly ranges: number;
  readonly requires: readonly string[];
  readonly policy: Policy;
  readonly schema: AnySchema | undefined;
  /** Whether its function is built by a builder of the app's own, which may have put something around `ctx.db`. */
  readonly isWrapped: boolean;
}

type ChangeOne = (ctx: GenericMutationCtx<GenericDataModel>, doc: GenericDocument) => unknown;

/** Checks a definition and takes its types away. @throws MIGRATION_ARGUMENTS when the definition cannot work */
export function plainDefinition<
  DataModel extends GenericDataModel,
  TableName extends TableNamesInDataModel<DataModel>,
>(
  definition: MigrationDefinition<DataModel, TableName>,
  options: {
    defaultBatchSize: number | undefined;
    schema: unknown;
    isWrapped: boolean;
    nameOf: (reference: MigrationFunctionReference | string) => string;
  },
): PlainDefinition {
  const { table, customRange, revertRange, down, ranges = 1, requires = [] } = definition;
  const refuse = (why: string): Error =>
    migrationError("MIGRATION_ARGUMENTS", `The migration of ${table} cannot be defined: ${why}.`, { table });
  if (!Number.isInteger(ranges) || ranges < 1 || ranges > maxRanges) {
    throw refuse(`\`ranges\` is a whole number from 1 to ${maxRanges}`);
  }
  if (down !== undefined && customRange !== undefined && revertRange === undefined) {
    throw refuse(
      "a migration with `customRange` and `down` needs `revertRange`: migrated documents may have left the range",
    );
  }
  const { onError, maxDocumentsPerSecond, ...rest } = definition;
  return {
    ...rest,
    migrateOne: definition.migrateOne as unknown as ChangeOne,
    customRange,
    down: down as ChangeOne | undefined,
    revertRange,
    batchSize: definition.batchSize ?? options.defaultBatchSize,
    ranges,
    requires: requires.map(options.nameOf),
    policy: given({ onError, maxDocumentsPerSecond }),
    schema: options.schema as AnySchema | undefined,
    isWrapped: options.isWrapped,
  };
}
