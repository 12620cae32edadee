/** A module of functions that cannot be imported. */
import { TrueupError } from "../../errors/index.js";

/** The error for a module whose import failed, with the module's own error as cause. */
export function moduleFailed(componentPath: string, modulePath: string, cause: unknown): TrueupError {
  const where = componentPath === "" ? modulePath : `${componentPath}/${modulePath}`;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TrueupError(
    "MODULE_FAILED",
    `Module '${where}' failed while it was imported: ${reason}`,
    { componentPath, modulePath },
    cause,
  );
}
