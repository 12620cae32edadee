/** Error codes of migrations, sorted by name. Apps find them in the data of `ConvexError`s. */
import { final, type ErrorCodeEntry } from "./error-code-entry.js";

export const migrationsCodes = {
  MIGRATION_ARGUMENTS: final(
    "The arguments to start a migration do not fit together.",
    "See the message for what it takes.",
  ),
  MIGRATION_BATCH_TOO_LARGE: final(
    "The documents of the batch do not fit into one transaction.",
    "Pass the `batchSize` that the message names, or run it through the component, which finds a fitting size by itself.",
  ),
  MIGRATION_BUSY: final(
    "The migration is doing something else.",
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
    "The migration was stopped at a place that its table or range no longer has.",
    'Start it over with {"reset": true}, or restore the range it was started with.',
  ),
  MIGRATION_RANGE_UNSUPPORTED: final(
    "A migration cannot go through its custom range in batches.",
    "Return the query that customRange is given, with an index, an order or a filter, and read nothing.",
  ),
  MIGRATION_REQUIRES: final(
    "The migration requires others that are not complete.",
    "Run the migrations in `details.missing` first, and retry what they put in quarantine.",
  ),
  MIGRATION_STUCK: final(
    "A batch of the migration made no progress.",
    "Start it again; if it happens again, report it with the cursor in `details`.",
  ),
} as const satisfies Record<string, ErrorCodeEntry>;
