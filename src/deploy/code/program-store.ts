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
} from "../../database/index.js";
import { isTrueupError, TrueupError } from "../../errors/index.js";
import type { ComponentDefinition } from "../definitions/convex-config.js";
import type { SchemaJson } from "../../schema/index.js";
import type { ModuleEnvironment } from "../push/push-request.js";
import { outlineOf } from "./module-texts.js";
import type { CodeModule, DefinitionCode, ProgramCode } from "./program-code.js";
import { keepTexts, readTexts, textHash, textsTable } from "./text-table.js";

const table = "_pushed_programs";

/** The tables of the pushed code, each with what to do when damage took something of it: the app's folder has the code too. */
export const codeTables: ReadonlyMap<string, string> = new Map(
  [table, textsTable].map((name) => [name, "pushed code: deploy the app again"]),
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

interface ManifestModule {
  readonly path: string;
  readonly environment: ModuleEnvironment;
  readonly sha256: string;
  /** The hash of the text. */
  readonly source: string;
  readonly sourceMap: string | null;
  /** Old manifests lack it. */
  readonly outline?: string | null;
}

interface Manifest extends Omit<ProgramCode, "definitions"> {
  readonly definitions: readonly {
    readonly definition: ComponentDefinition;
    readonly serverVersion: string;
    readonly schema: SchemaJson | null;
    readonly modules: readonly ManifestModule[];
  }[];
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
  const manifest = JSON.stringify(manifestOf(code));
  const writer = tx.system("");
  const rows = await readRows(writer);
  const kept = rows.filter(({ pushId }) => pushId !== code.pushId && retained.has(pushId));
  const texts = kept.length === 0 ? new Map<string, string>() : await readTexts(writer);
  const manifests = kept.flatMap((row) => texts.get(row.manifest) ?? []);
  // The texts of a program that is lost cannot be kept; its row stays, so that the loss is told.
  const earlier = kept.flatMap((row) => programOf(row, texts) ?? []);
  await keepTexts(writer, [
    manifest,
    ...manifests,
    ...[code, ...earlier].flatMap((each) => [...textsOf(each)]),
  ]);
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

async function readSound(reader: DatabaseReader, wanted: ReadonlySet<string>): Promise<StoredPrograms> {
  // The first push makes the table, which is never without a program after that.
  if (!reader.tables().includes(table)) return { active: null, retained: [], losses: [] };
  const rows = await readRows(reader);
  const texts = await readTexts(reader);
  const activeRow = rows.findLast(({ isEarlier }) => isEarlier !== true);
  const active = activeRow === undefined ? null : programOf(activeRow, texts);
  const retained = rows
    .filter((row) => row !== activeRow && wanted.has(row.pushId))
    .flatMap((row) => programOf(row, texts) ?? []);
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

/** Null when one of its texts is lost. */
function programOf(row: ProgramRow, texts: ReadonlyMap<string, string>): ProgramCode | null {
  const text = texts.get(row.manifest);
  if (text === undefined) return null;
  const { definitions, ...manifest } = JSON.parse(text) as Manifest;
  const found = new Map<string, DefinitionCode>();
  for (const { modules, ...definition } of definitions) {
    const whole = modules.map((module) => withTexts(module, texts));
    if (!whole.every((module) => module !== null)) return null;
    found.set(definition.definition.path, { ...definition, modules: whole });
  }
  return { ...manifest, definitions: found };
}

function manifestOf({ definitions, ...code }: ProgramCode): Manifest {
  return {
    ...code,
    definitions: [...definitions.values()].map(({ modules, ...definition }) => ({
      ...definition,
      modules: modules.map(manifestModuleOf),
    })),
  };
}

function manifestModuleOf(module: CodeModule): ManifestModule {
  const { path, environment, sha256, source, sourceMap } = module;
  const outline = outlineOf(module);
  return {
    path,
    environment,
    sha256,
    source: textHash(source),
    sourceMap: sourceMap === undefined ? null : textHash(sourceMap),
    outline: outline === null ? null : textHash(outline),
  };
}

function* textsOf(code: ProgramCode): Generator<string> {
  for (const { modules } of code.definitions.values()) {
    for (const module of modules) {
      const outline = outlineOf(module);
      yield module.source;
      if (module.sourceMap !== undefined) yield module.sourceMap;
      if (outline !== null) yield outline;
    }
  }
}

function withTexts(module: ManifestModule, texts: ReadonlyMap<string, string>): CodeModule | null {
  const { path, environment, sha256 } = module;
  const source = texts.get(module.source);
  const sourceMap = module.sourceMap === null ? undefined : texts.get(module.sourceMap);
  if (source === undefined || (module.sourceMap !== null && sourceMap === undefined)) return null;
  // Without its outline the module is parsed again.
  const outline = texts.get(module.outline ?? "");
  return {
    path,
    environment,
    sha256,
    source,
    ...(sourceMap === undefined ? {} : { sourceMap }),
    ...(outline === undefined ? {} : { outline }),
  };
}

/** In the order they were stored. */
async function readRows(reader: DatabaseReader): Promise<(ProgramRow & Document)[]> {
  return await readAll<ProgramRow>(reader, table);
}
