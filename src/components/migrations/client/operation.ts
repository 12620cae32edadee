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
    return (_ctx, document) => Promise.resolve(isMigrated(document));
  }
  return migrating(definition);
}

/** Runs `migrateOne` on a document that is not migrated, and applies what it returns. */
function migrating({ table, migrateOne, isMigrated }: PlainDefinition): Operation {
  return async (ctx, document) => {
    if (isMigrated?.(document) === true) return false;
    await apply(ctx, table, document, await migrateOne(ctx, document));
    return true;
  };
}

/** Runs `down` on a document that is migrated and was not put aside, and applies what it returns. */
function reverting(
  { table, isMigrated }: PlainDefinition,
  down: NonNullable<PlainDefinition["down"]>,
  putAside: readonly string[],
): Operation {
  const never = new Set(putAside);
  return async (ctx, document) => {
    if (never.has(document._id) || isMigrated?.(document) === false) return false;
    await apply(ctx, table, document, await down(ctx, document));
    return true;
  };
}

async function apply(ctx: Ctx, table: string, { _id }: StoredDocument, patch: unknown): Promise<void> {
  if (typeof patch !== "object" || patch === null || Object.keys(patch).length === 0) return;
  await ctx.db.patch(table, _id, patch);
}

function notDefined(table: string, option: string, what: string): Error {
  const message = `The migration of ${table} has no \`${option}\`, so it cannot ${what}.`;
  return migrationError("MIGRATION_NOT_DEFINED", message, { table, option });
}
