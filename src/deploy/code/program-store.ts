/**
 * The active program in the data file: one document names a manifest, which names the texts of the modules by
 * their hashes. It is written in the transaction that puts the program in place, so the file holds either the old
 * program or the new one. Earlier programs stay as long as documents need their transforms. The next push brings back
 * whatever damage took of all this, so damage keeps no app from being opened.
 */
import {
  readAll,
  type Database,
  type DatabaseReader,
  type Document,
  type MutationTransaction,
  type QueryTransaction,
} from "../../database/index.js";
import { isTrueupError, TrueupError } from "../../errors/index.js";
import { manifestText, programOf, textsOf } from "./manifest.js";
import type { ProgramCode } from "./program-code.js";
import { proposedTable, proposedTexts } from "./proposed-pushes.js";
import { keepTexts, readTexts, textHash, textsTable } from "./text-table.js";

const table = "_pushed_programs";

/** The tables of the pushed code, each with what to do when damage took something of it: the app's folder has the code too. */
export const codeTables: ReadonlyMap<string, string> = new Map(
  [table, proposedTable, textsTable].map((name) => [name, "pushed code: deploy the app again"]),
);

interface ProgramRow {
  /** The hash of the manifest's text. */
  readonly manifest: string;
  readonly pushId: string;
  readonly pushedAtMs: number;
  /** Set on a program that is kept for its transforms only. Rows of old data files lack it. */
  readonly isEarlier?: true;
}

export interface StoredPrograms {
  /** The program that was pushed last; null when none was, or it is lost. */
  readonly active: ProgramCode | null;
  /** Earlier programs that are wanted. */
  readonly retained: readonly ProgramCode[];
  /** STORAGE_CORRUPT where the active program cannot be read, TRANSFORM_MISSING for each wanted one that is not there. */
  readonly losses: readonly TrueupError[];
}

/**
 * Makes this the stored program. The transaction must have no limits.
 * @param retained The ids of earlier pushes to keep.
 */
export async function storeProgram(
  tx: MutationTransaction,
  code: ProgramCode,
  retained: ReadonlySet<string> = new Set(),
): Promise<void> {
  const manifest = manifestText(code);
  const writer = tx.system("");
  const rows = await readRows(writer);
  const kept = rows.filter(({ pushId }) => pushId !== code.pushId && retained.has(pushId));
  const texts = kept.length === 0 ? new Map<string, string>() : await readTexts(writer);
  const manifests = kept.flatMap((row) => texts.get(row.manifest) ?? []);
  // The texts of a program that is lost cannot be kept; its row stays, so that the loss is told.
  const earlier = kept.flatMap((row) => programOf(row.manifest, texts) ?? []);
  const wanted = [manifest, ...manifests, ...[code, ...earlier].flatMap((each) => [...textsOf(each)])];
  await keepTexts(writer, wanted, await proposedTexts(tx));
  for (const row of rows) {
    if (!kept.includes(row)) await writer.delete(row._id, table);
    else if (row.isEarlier !== true) await writer.patch(row._id, { isEarlier: true }, table);
  }
  const row: ProgramRow = { manifest: textHash(manifest), pushId: code.pushId, pushedAtMs: tx.beganAtMs };
  await writer.insert(table, { ...row });
}

/**
 * The stored program, and the earlier ones of the pushes that are wanted, as far as they can be read.
 * @throws STORAGE_CORRUPT when anything but the tables of the code is damaged
 */
export async function readPrograms(
  database: Database,
  wanted: ReadonlySet<string> = new Set(),
): Promise<StoredPrograms> {
  try {
    const { value } = await database.query((tx) => readSound(tx.system(""), wanted), { limits: null });
    return value;
  } catch (error) {
    if (!isTrueupError(error) || error.code !== "STORAGE_CORRUPT") throw error;
    const { table: name, componentPath } = error.details;
    if (componentPath !== "" || typeof name !== "string" || !codeTables.has(name)) throw error;
    return { active: null, retained: [], losses: [unreadable(error.message, error)] };
  }
}

/**
 * The code of a push that is in place, or of an earlier one that is kept for its transforms; null when it is not stored, or not
 * whole.
 * @param pushId Null for the one in place.
 */
export async function readPushed(tx: QueryTransaction, pushId: string | null): Promise<ProgramCode | null> {
  const reader = tx.system("");
  const row = (await readRows(reader)).findLast((each) =>
    pushId === null ? each.isEarlier !== true : each.pushId === pushId,
  );
  return row === undefined ? null : programOf(row.manifest, await readTexts(reader));
}

async function readSound(reader: DatabaseReader, wanted: ReadonlySet<string>): Promise<StoredPrograms> {
  // The first push makes the table, which is never without a program after that.
  if (!reader.tables().includes(table)) return { active: null, retained: [], losses: [] };
  const rows = await readRows(reader);
  const texts = await readTexts(reader);
  const activeRow = rows.findLast(({ isEarlier }) => isEarlier !== true);
  const active = activeRow === undefined ? null : programOf(activeRow.manifest, texts);
  const retained = rows
    .filter((row) => row !== activeRow && wanted.has(row.pushId))
    .flatMap((row) => programOf(row.manifest, texts) ?? []);
  const found = new Set([...retained, ...(active === null ? [] : [active])].map(({ pushId }) => pushId));
  const missing = [...wanted].filter((pushId) => !found.has(pushId));
  return {
    active,
    retained,
    losses: [
      ...(active === null ? [unreadable("Parts of it are lost.")] : []),
      ...missing.map(
        (pushId) =>
          new TrueupError(
            "TRANSFORM_MISSING",
            `The stored code of push ${pushId} is lost, and documents still need its transforms: they cannot be read until a backup is restored.`,
            { pushId },
          ),
      ),
    ],
  };
}

function unreadable(why: string, cause?: TrueupError): TrueupError {
  return new TrueupError(
    "STORAGE_CORRUPT",
    `The pushed code cannot be read, and the app is open without it. ${why} Stop the app, run \`trueup check --repair\`, and deploy again.`,
    cause?.details ?? { table, componentPath: "" },
    cause,
  );
}

/** In the order they were stored. */
async function readRows(reader: DatabaseReader): Promise<(ProgramRow & Document)[]> {
  return await readAll<ProgramRow>(reader, table);
}
