/** What a batch does to each document. */
import { migrationError } from "../failures.js";
import type { Job } from "../protocol.js";
import type { PlainDefinition } from "./definition.js";
import type { Ctx, Operation, StoredDocument } from "./stored-document.js";

/** The operation that the job asks for; migrating, without one. Throws MIGRATION_NOT_DEFINED. */
export function operationOf(definition: PlainDefinition, job: Job | undefined): Operation {
  const { table, down, isMigrated } = definition;
  if (job?.kind === "revert") {
    if (down === undefined) throw notDefined(table, "down", "be reverted");
    return reverting(definition, down, job.ids ?? []);
  }
  if (job?.kind === "verify") {
    if (isMigrated === undefined) throw notDefined(table, "isMigrated", "be verified");
    return (_ctx, document) => isMigrated(document);
  }
  return migrating(definition);
}

/** Runs `migrateOne` on a document that is not migrated, and applies what it returns. */
function migrating({ table, migrateOne, isMigrated }: PlainDefinition): Operation {
  return (ctx, document) => {
    if (isMigrated?.(document) === true) return false;
    return applied(ctx, table, document, migrateOne(ctx, document));
  };
}

/** Runs `down` on a document that is migrated and was not put aside, and applies what it returns. */
function reverting(
  { table, isMigrated }: PlainDefinition,
  down: NonNullable<PlainDefinition["down"]>,
  putAside: readonly string[],
): Operation {
  const never = new Set(putAside);
  return (ctx, document) => {
    if (never.has(document._id) || isMigrated?.(document) === false) return false;
    return applied(ctx, table, document, down(ctx, document));
  };
}

/** Patches the document with what was returned for it, now or when it is there. */
function applied(
  ctx: Ctx,
  table: string,
  document: StoredDocument,
  returned: unknown,
): Promise<unknown> | boolean {
  if (typeof returned !== "object" || returned === null) return true;
  if ("then" in returned && typeof returned.then === "function") {
    return (returned as Promise<unknown>).then((patch) => applied(ctx, table, document, patch));
  }
  if (Object.keys(returned).length === 0) return true;
  return ctx.db.patch(table, document._id, returned);
}

function notDefined(table: string, option: string, what: string): Error {
  const message = `The migration of ${table} has no \`${option}\`, so it cannot ${what}.`;
  return migrationError("MIGRATION_NOT_DEFINED", message, { table, option });
}
