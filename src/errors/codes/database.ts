/** Error codes of the database, sorted by name. The room throws them as `TrueupError`s. */
import { final, retryable, type ErrorCodeEntry } from "./error-code-entry.js";

export const databaseCodes = {
  DOCUMENT_NOT_FOUND: final(
    "There is no document with this id.",
    "Ask for the document with get first, or pass an id that the database returned.",
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
    "A filter must result in true or false; logic takes booleans, and arithmetic takes two numbers of one type.",
  ),
  INVALID_INDEX_RANGE: final(
    "The index cannot serve this range.",
    "Compare the index's fields in their order with eq, and bound at most the one after them.",
  ),
  INVALID_PAGE_OPTIONS: final(
    "The options of a page are not valid.",
    "Pass a numItems that is not negative, and maxima above zero.",
  ),
  INVALID_TABLE_NAME: final(
    "The name cannot be that of a table.",
    "Use letters, digits and underscores, and begin with a letter.",
  ),
  SCHEMA_VIOLATION: final(
    "The document does not match the schema.",
    "Change the document or the schema; `details.violations` lists what does not fit.",
  ),
  SYSTEM_FIELD_CHANGED: final(
    "`_id` and `_creationTime` belong to the database.",
    "Leave them out of what you write.",
  ),
  SYSTEM_TABLE: final("The table belongs to the system.", "Read it with ctx.db.system."),
  TABLE_EXISTS: final(
    "There is a table of this name already, and it holds documents.",
    "Choose another name, or move those documents elsewhere first.",
  ),
  TABLE_NOT_FOUND: final("There is no such table.", "Check the spelling of its name, and the component."),
  TABLE_NOT_IN_SCHEMA: final(
    "The schema does not name this table.",
    "Define the table in the schema, or check the spelling.",
  ),
  TIMESTAMP_NOT_HELD: final(
    "The data as of this timestamp cannot be read any more.",
    "Ask for a timestamp again. A `ConvexHttpClient` keeps its own for good, so make a new client for each page.",
  ),
  TOO_MANY_TABLES: final("The component cannot have more tables.", "Delete tables that are not needed."),
  TRANSACTION_LIMIT: final(
    "The function reads or writes more than a transaction may read or write.",
    "Read smaller ranges through indexes, paginate, or spread the work over several mutations.",
  ),
  TRANSACTION_OVER: final(
    "The transaction has ended.",
    "Await every promise of the transaction before its function returns.",
  ),
  TRANSFORM_FAILED: final(
    "A transform could not bring a document into its new shape.",
    "`details` name the document and the error: deploy a transform that accepts such documents, or roll back.",
  ),
  TRANSFORM_MISSING: retryable(
    "A document is stored in an older shape, and the transform that brings it into the new one is not loaded.",
    "Wait until the deployment has started; if the error stays, deploy the code that had the transform.",
  ),
  WRONG_TABLE: final("The id belongs to another table.", "Pass an id of the table that is named."),
} as const satisfies Record<string, ErrorCodeEntry>;
