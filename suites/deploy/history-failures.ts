/** What may end a deploy of a history: it is refused, or the process is killed. */
import { isTrueupError } from "trueup";

/**
 * A deploy that the data, or what goes on in it, does not allow. What an aggregate has stored can go back to the published
 * component only where code of ours runs, so that opening with that component is refused as destructive.
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
