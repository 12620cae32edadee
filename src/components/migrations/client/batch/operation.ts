/** What a batch does to each document. */
import { migrationError } from "../../component/failures.js";
import type { BatchRequest } from "../../component/protocol.js";
import type { PlainDefinition } from "../definition.js";
import type { StoredDocument } from "../range/cursor.js";
import { reread, type Ctx, type Operation } from "./current-documents.js";

/**
 * The operation that the job asks for; without a job, it is to migrate the document.
 * @throws MIGRATION_NOT_DEFINED when the definition lacks `down` or `isMigrated`, which the operation needs
 */
export function operationOf(definition: PlainDefinition, job: BatchRequest | undefined): Operation {
  const { table, migrateOne, down, isMigrated } = definition;
  if (job?.kind === "revert") {
    if (down === undefined) throw notDefined(table, "down", "be reverted");
    return reverting(definition, down, job.ids ?? []);
  }
  if (job?.kind === "verify") {
    if (isMigrated === undefined) throw notDefined(table, "isMigrated", "be verified");
    return (_ctx, document) => isMigrated(document);
  }
  return (ctx, document) => {
    if (isMigrated?.(document) === true) return false;
    return applied(ctx, definition, document, migrateOne(ctx, document));
  };
}

/** Runs `down` on a document that is migrated and was not put aside, and applies what it returns. */
function reverting(
  definition: PlainDefinition,
  down: NonNullable<PlainDefinition["down"]>,
  putAside: readonly string[],
): Operation {
  const never = new Set(putAside);
  return (ctx, document) => {
    if (never.has(document._id) || definition.isMigrated?.(document) === false) return false;
    return applied(ctx, definition, document, down(ctx, document));
  };
}

/** Patches the document with what was returned for it, or waits for that first if it is a promise. */
function applied(
  ctx: Ctx,
  definition: PlainDefinition,
  document: StoredDocument,
  returned: unknown,
): Promise<unknown> | boolean {
  if (typeof returned !== "object" || returned === null) return true;
  if ("then" in returned && typeof returned.then === "function") {
    return (returned as Promise<unknown>).then((patch) => applied(ctx, definition, document, patch));
  }
  if (Object.keys(returned).length === 0) return true;
  const patching = ctx.db.patch(definition.table, document._id, returned);
  return definition.parallelize ? unlessGone(ctx, definition.table, document, patching) : patching;
}

/** Passes over a document that another one, which is migrated at the same time, has deleted before its patch. */
async function unlessGone(
  ctx: Ctx,
  table: string,
  { _id }: StoredDocument,
  patching: Promise<unknown>,
): Promise<unknown> {
  try {
    return await patching;
  } catch (error) {
    if ((await reread(ctx, table, _id)) === null) return false;
    throw error;
  }
}

function notDefined(table: string, option: string, what: string): Error {
  const message = `The migration of ${table} has no \`${option}\`, so it cannot ${what}.`;
  return migrationError("MIGRATION_NOT_DEFINED", message, { table, option });
}
