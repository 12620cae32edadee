/** Tells what ended a deploy of a history: it was refused, or the process was killed. */
import { isTrueupError } from "trueup";

/**
 * True for a deploy that the data, or the work on it, does not allow. An aggregate can go back to the published component only
 * where code of ours runs, so opening with that component is refused as destructive.
 */
export function isRefusal(error: unknown): error is Error & { readonly code: string } {
  return (
    isTrueupError(error) &&
    [
      "DESTRUCTIVE_CHANGE",
      "MIGRATION_UNFINISHED",
      "PUSH_OUTDATED",
      "SCHEMA_NOT_SATISFIED",
      "TRANSFORM_REHEARSAL_FAILED",
      "TRANSFORM_FAILED",
    ].includes(error.code)
  );
}

/** The process was killed. */
export function isCrash(error: unknown): boolean {
  return isTrueupError(error) && ["STORAGE_CLOSED", "BACKEND_CLOSED"].includes(error.code);
}
