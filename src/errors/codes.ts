/**
 * Every error code, with its general meaning, what to do about it, and whether to try again.
 * docs/errors.md lists the same codes; a test holds the two together. Codes are sorted within a room.
 */

interface ErrorCodeEntry {
  readonly meaning: string;
  readonly hint: string;
  readonly retryable: boolean;
}

function final(meaning: string, hint: string): ErrorCodeEntry {
  return { meaning, hint, retryable: false };
}

function retryable(meaning: string, hint: string): ErrorCodeEntry {
  return { meaning, hint, retryable: true };
}

export const errorCodes = {
  // values
  INVALID_ID: final("The string is not a document id.", "Pass an id that the database returned."),
  INVALID_VALUE: final(
    "The value is not a Convex value.",
    "Use null, booleans, numbers, bigints of 64 bits, strings, ArrayBuffers, arrays and plain objects.",
  ),

  // storage
  SNAPSHOT_TOO_OLD: retryable(
    "The snapshot was held too long and has been released.",
    "Run the query again; read in smaller pages.",
  ),
  STORAGE_CLOSED: final("The storage is closed.", "Open it again before using it."),
  STORAGE_CONFLICT: retryable(
    "Another transaction changed what this one read.",
    "Run the transaction again.",
  ),
  STORAGE_CORRUPT: final(
    "The data file is not one that Trueup wrote, or it is damaged.",
    "Restore it from a backup, or name another file.",
  ),
  STORAGE_DRIVER_MISSING: final(
    "No SQLite driver is available.",
    "Install better-sqlite3@12 beside trueup, or use Node 24.16 or later, which has one built in.",
  ),
  STORAGE_FULL: final(
    "The disk is full; nothing of this transaction was written.",
    "Free some space and run it again.",
  ),
  STORAGE_LOCKED: retryable(
    "Another process has the data file open.",
    "Stop that process, or send it the call: `trueup run` does so when a server is running.",
  ),
  STORAGE_TOO_NEW: final(
    "A later version of Trueup wrote the data file, in a format that this one cannot read.",
    "Use that version, or name another file.",
  ),
  STORAGE_UNAVAILABLE: final(
    "The data file could not be opened, read or written.",
    "Check the path, its permissions and the disk; the details have the system's reason.",
  ),

  // database
  DOCUMENT_NOT_FOUND: final(
    "There is no document with this id.",
    "Check with get first, or pass an id that the database returned.",
  ),
  DOCUMENT_TOO_LARGE: final(
    "The document is larger than 1 MiB.",
    "Split it into several documents, or keep large data elsewhere.",
  ),
  ID_TAKEN: final(
    "There is a document with this id already.",
    "Leave the id out, or delete that document first.",
  ),
  INDEX_NOT_FOUND: final("The table has no such index.", "Define it in the schema, or check the spelling."),
  INDEX_NOT_READY: retryable(
    "The index is still being built, or is staged.",
    "Wait until it is built; a staged index has to become an ordinary one in the schema.",
  ),
  INVALID_CURSOR: final(
    "The cursor does not belong to this query.",
    "Begin again with a cursor of null, and pass cursors only to the query that they came from.",
  ),
  INVALID_FIELD_NAME: final(
    "A field's name is not allowed.",
    "Use printable ASCII that does not begin with a dollar sign, nor with an underscore at the top of a document.",
  ),
  INVALID_FILTER: final(
    "The filter cannot be evaluated.",
    "Filters must come to true or false, logic takes booleans, arithmetic two numbers of one type.",
  ),
  INVALID_INDEX_RANGE: final(
    "The index range is not one that the index can serve.",
    "Compare the index's fields in their order with eq, and bound at most the one after them.",
  ),
  INVALID_PAGE_OPTIONS: final(
    "The options of a page are not valid.",
    "Pass a numItems that is not negative, and maxima above zero.",
  ),
  INVALID_TABLE_NAME: final(
    "The name is not one for a table.",
    "Use letters, digits and underscores, and begin with a letter.",
  ),
  SCHEMA_VIOLATION: final(
    "The document does not match the schema.",
    "Change the document or the schema; `details.violations` has what does not fit.",
  ),
  SYSTEM_FIELD_CHANGED: final(
    "`_id` and `_creationTime` belong to the database.",
    "Leave them out of what you write.",
  ),
  SYSTEM_TABLE: final("The table belongs to the system.", "Read it with ctx.db.system."),
  TABLE_NOT_IN_SCHEMA: final(
    "The schema does not name this table.",
    "Define the table in the schema, or check the spelling.",
  ),
  TOO_MANY_TABLES: final(
    "The component has as many tables as it may have.",
    "Delete tables that are not needed.",
  ),
  TRANSACTION_LIMIT: final(
    "The function reads or writes more than a transaction may.",
    "Read smaller ranges through indexes, paginate, or spread the work over several mutations.",
  ),
  TRANSACTION_OVER: final(
    "The transaction has ended.",
    "Await everything that it is asked to do before its function returns.",
  ),
  WRONG_TABLE: final("The id belongs to another table.", "Pass an id of the table that is named."),

  // functions
  COMPONENT_MISSING: final(
    "There is no such component.",
    "Mount it in convex.config.ts, and pass its modules in `components` when the program comes from modules.",
  ),
  FEATURE_NOT_SUPPORTED: final(
    "Trueup does not have this feature of Convex.",
    "See docs/compatibility.md for what it has.",
  ),
  FUNCTION_NOT_FOUND: final(
    "There is no such function.",
    "Check the spelling, and that the module exports it as a query, mutation or action.",
  ),
  FUNCTION_NOT_PUBLIC: final(
    "The function is internal and was called from outside.",
    "Call it from another function or with the admin key, or define it with query, mutation or action.",
  ),
  FUNCTION_OVER: final(
    "The function has already returned.",
    "Await every promise that ctx returns before the function returns.",
  ),
  FUNCTION_WRONG_KIND: final(
    "The function is of another kind than the call.",
    "Call queries with runQuery, mutations with runMutation and actions with runAction.",
  ),
  INVALID_ARGUMENTS: final(
    "The arguments do not fit the function's validator.",
    "Pass what `args` of the function declares.",
  ),
  INVALID_CALL: final(
    "A method of ctx was called in a way it does not support.",
    "See the message for what it takes.",
  ),
  INVALID_RETURN: final(
    "The returned value does not fit the function's validator.",
    "Return what `returns` of the function declares.",
  ),
  MODULE_FAILED: final(
    "A module of functions threw while it was imported.",
    "Mend the module; the cause holds its error.",
  ),
  NESTED_TOO_DEEP: final(
    "Functions call each other too deeply.",
    "Share code as plain helper functions instead of runQuery and runMutation.",
  ),
  PAGINATED_TWICE: final(
    "A function may paginate only one query.",
    "Split it into two functions, or use the paginator of convex-helpers.",
  ),
  QUERY_NOT_UNIQUE: final("unique() found more than one document.", "Use first(), or narrow the query."),
  QUERY_USED_TWICE: final(
    "A query object was used a second time.",
    "Build a new query with ctx.db.query for each use.",
  ),
  TRIGGERS_TOO_DEEP: final(
    "Triggers set each other off without end.",
    "Write in a trigger only when there is something to change.",
  ),

  // schema
  INVALID_RENAME: final(
    "The declared rename does not match the two schemas.",
    "Declare it as `oldTable=newTable` or `table.oldField=newField`, with names as both schemas have them.",
  ),
  INVALID_SCHEMA: final(
    "The schema's definition is invalid.",
    "Mend every problem that the message lists; `details.problems` has them one by one.",
  ),
  UNKNOWN_WAIVER: final(
    "There is no waiver of this name.",
    "Use one that docs/schema-changes.md lists, alone or with a target: `drop-field:users.legacy`.",
  ),

  // scheduler
  INVALID_CRON: final(
    "The schedule of a cron job is not valid.",
    "Use five fields: minute, hour, day of month, month, day of week, in UTC.",
  ),
  INVALID_SCHEDULED_TIME: final(
    "The time to run a scheduled function is not valid.",
    "Pass a finite, non-negative delay in milliseconds, or a time no more than five years away.",
  ),
  JOB_INTERRUPTED: final(
    "The process ended while this scheduled action ran.",
    "Actions run at most once: schedule it again if that is safe.",
  ),
  JOB_NOT_FOUND: final("There is no such scheduled function.", "Pass an id that the scheduler returned."),

  // deploy
  AUTH_CONFIG_MISSING_ENVIRONMENT_VARIABLE: final(
    "auth.config reads an environment variable that is not set.",
    "Set it: `npx convex env set NAME value`.",
  ),
  INVALID_COMPONENTS: final(
    "The components in convex.config do not fit together.",
    "Mend convex.config.ts; the message names the component.",
  ),
  INVALID_ENVIRONMENT_VARIABLE: final(
    "The environment variable cannot be set.",
    "See the message for what names and values may be.",
  ),
  INVALID_FUNCTION: final(
    "A function cannot be of this kind in its place.",
    "Move it to another module, or make it an action.",
  ),
  INVALID_REQUEST: final(
    "The request is not one that this server understands.",
    "Use the `convex` package in a version that docs/compatibility.md names.",
  ),
  MISSING_ENVIRONMENT_VARIABLES: final(
    "The code declares environment variables that are not set.",
    "Set them: `npx convex env set NAME value`.",
  ),
  PUSH_OUTDATED: retryable(
    "Code or environment variables have changed since this push began.",
    "Push again: `npx convex dev` does so by itself.",
  ),
  SCHEMA_NOT_SATISFIED: final(
    "Stored documents do not fit the schema that was pushed.",
    "Migrate the documents first, or make the new schema accept both shapes.",
  ),

  // backend
  BACKEND_CLOSED: final("The backend is closed.", "Open it again before calling functions."),
  MODULES_MISSING: final(
    "There is no code to run: none was given, and none is stored in the data file.",
    "Pass `modules` to openBackend, or push code with `trueup dev` or `npx convex deploy`.",
  ),

  // test
  SCHEDULED_WITHOUT_END: final(
    "finishAllScheduledFunctions: too many iterations.",
    "Check for infinitely recursive scheduled functions, or increase maxIterations.",
  ),

  // server
  PORT_IN_USE: final(
    "The port cannot be listened on.",
    "Choose another one with `--port`, or stop the program that has it.",
  ),

  // cli
  ADMIN_KEY_REFUSED: final(
    "The server refused the admin key.",
    "Remove CONVEX_SELF_HOSTED_ADMIN_KEY from .env.local and start `trueup dev` again: it writes the right one.",
  ),
  APP_NOT_FOUND: final(
    "This is not the folder of a Convex app.",
    "Run the command in the folder that holds the app's package.json and its convex/ folder.",
  ),
  CONVEX_NOT_INSTALLED: final(
    "The convex package is not installed in the app.",
    "Run `npm install` in the app's folder.",
  ),
  DATA_FILE_MISSING: final(
    "The app has no data file yet.",
    "Start `trueup dev` once: it creates the data file and pushes the app's code.",
  ),
  FUNCTION_FAILED: final("The function threw an error.", "See the function's own message and its log lines."),
  INVALID_USAGE: final(
    "The command was called in a way it does not support.",
    "Add --help to the command to see what it takes, with examples.",
  ),
  MALFORMED_JSON: final(
    "The text is not JSON.",
    'Put single quotes around JSON in a shell, as in \'{"name":"Ann"}\'.',
  ),
  OFFICIAL_CLI_FAILED: final("The official Convex CLI failed.", "See what it printed above."),
  OTHER_BACKEND_CONFIGURED: final(
    "The app's environment names another backend than the local server.",
    "Remove that variable from the environment, .env.local and .env to use the local server.",
  ),
  SCHEDULED_WORK_FAILED: final(
    "Work that the function scheduled failed.",
    "See the error of the scheduled function; the function itself had succeeded.",
  ),
  SERVER_UNREACHABLE: retryable(
    "The data file is open in another process, but no server answers there.",
    "Look at that process: stop it, or wait until it has started.",
  ),

  // migrations
  MIGRATION_ARGUMENTS: final(
    "The arguments to start a migration do not fit together.",
    "See the message for what it takes.",
  ),
  MIGRATION_BATCH_TOO_LARGE: final(
    "So many documents do not fit one transaction.",
    "Pass the `batchSize` that the message names, or run it through the component, which does so itself.",
  ),
  MIGRATION_BUSY: final(
    "The migration is at something else.",
    "Pause or cancel it first, let it end, or reset it.",
  ),
  MIGRATION_DOCUMENT_FAILED: final(
    "Migrating a document threw; its whole batch was rolled back.",
    "Mend the document that `details.documentId` names, or the migration, and start it again: it resumes.",
  ),
  MIGRATION_NOT_DEFINED: final(
    "The migration's definition lacks what this needs.",
    "Give it the option that `details.option` names: `down` to revert it, `isMigrated` to verify it.",
  ),
  MIGRATION_NOT_FOUND: final(
    "There is no migration of that name.",
    'Name it as folder/file:export, like "migrations:addRole".',
  ),
  MIGRATION_RANGE_CHANGED: final(
    "The migration was stopped at a place that its present table or range does not have.",
    'Start it over with {"reset": true}, or restore the range it was started with.',
  ),
  MIGRATION_RANGE_UNSUPPORTED: final(
    "The custom range of a migration cannot be gone through in batches.",
    "Return the query that customRange is given, with an index, an order or a filter, and read nothing.",
  ),
  MIGRATION_REQUIRES: final(
    "The migration requires others that are not complete.",
    "Run the migrations in `details.missing` first, and retry what they put in quarantine.",
  ),
  MIGRATION_STUCK: final(
    "A batch of the migration made no progress.",
    "Start it again; if that recurs, report it with the cursor in `details`.",
  ),
  // aggregates (in the data of ConvexErrors)
  DELETE_MISSING_KEY: final(
    "The item is not in the aggregate.",
    "Write every change of the table to the aggregate, or use deleteIfExists and replaceOrInsert.",
  ),
  DUPLICATE_KEY: final(
    "The aggregate already has an item of that key and id.",
    "Use insertIfDoesNotExist, or give each item an id of its own.",
  ),
  INVALID_BOUNDS: final(
    "A key in the bounds is undefined.",
    "Give it a value; leave the bounds out to mean everything.",
  ),
  INVALID_EDGES: final("The edges of a histogram do not ascend.", "Sort them, and name each only once."),
  INVALID_NODE_SIZE: final(
    "The node size is not one that a tree can have.",
    "Use an even maxNodeSize from 4 to 4096; 16 suits most aggregates.",
  ),
  INVALID_OFFSET: final(
    "The offset is not a whole number.",
    "Round it: Math.floor(count * 0.95), for example.",
  ),
  INVALID_PAGE_SIZE: final("The page size is not positive.", "Ask for at least one item."),
  INVALID_PERCENTILE: final(
    "The percentile is not from 0 to 100.",
    "Percentiles count in percent: 50 is the median, 99.9 is one in a thousand.",
  ),
  ITEM_TOO_LARGE: final(
    "The item's key, id and values take up too many bytes.",
    "Sort by something shorter: a prefix, a hash, an id.",
  ),
  OFFSET_OUT_OF_RANGE: final(
    "There are not that many items within the bounds.",
    "Compare the offset with the count first, or use paginate.",
  ),
  PENDING_OPERATIONS: retryable(
    "The aggregate has queued writes that are not applied yet.",
    "Read with { stale: true } and write with { async: true }, or wait until the worker has applied them.",
  ),
  TREE_DAMAGED: final(
    "A node of the aggregate's tree is missing.",
    "Clear the aggregate and fill it again; nothing but a change of its own tables from outside explains it.",
  ),
} as const satisfies Record<string, ErrorCodeEntry>;

/** A stable name of what went wrong. */
export type ErrorCode = keyof typeof errorCodes;
