/** Error codes of schemas, sorted by name. The room throws them as `TrueupError`s. */
import { final, type ErrorCodeEntry } from "./error-code-entry.js";

export const schemaCodes = {
  INVALID_RENAME: final(
    "The declared rename does not match the two schemas.",
    "Declare it as `oldTable=newTable` or `table.oldField=newField`, with names as both schemas have them.",
  ),
  INVALID_SCHEMA: final(
    "The schema's definition is invalid.",
    "Mend every problem that the message lists; `details.problems` has them one by one.",
  ),
  UNKNOWN_WAIVER: final(
    "There is no waiver of this name, or its target does not exist.",
    "Use one that docs/schema-changes.md lists, alone or with a target: `drop-field:users.legacy`, `drop-table:billing/bills`.",
  ),
} as const satisfies Record<string, ErrorCodeEntry>;
