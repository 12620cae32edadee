/** The cursor of a single batch that a person runs without the component. */
import { migrationError } from "../failures.js";
import type { MigrationArgs } from "../protocol.js";

/**
 * Where the batch begins, and whether it is a rehearsal: without a cursor, and without being told that it
 * is for real, it is. Throws MIGRATION_ARGUMENTS when it is for real and has no cursor.
 */
export function oneOffCursor({ cursor, dryRun }: MigrationArgs): { cursor: string | null; dryRun: boolean } {
  if (cursor !== undefined && cursor !== "") return { cursor, dryRun: dryRun === true };
  if (dryRun === false) {
    throw migrationError(
      "MIGRATION_ARGUMENTS",
      "Cursor must be specified for a single batch: null for the beginning, or the cursor that getStatus shows.",
    );
  }
  if (dryRun === undefined) console.warn("No cursor or dryRun given: doing a dry run of the first batch.");
  return { cursor: null, dryRun: true };
}
