/**
 * The active program in the data file: one document names a manifest, which names the texts of the modules by
 * their hashes. It is written in the transaction that puts the program in place, so the file holds the old
 * program or the new one, and nothing between. Earlier programs stay as long as documents need their transforms.
 */
import type {
  DatabaseReader,
  Document,
  MutationTransaction,
  QueryTransaction,
} from "../../database/index.js";
import type { ComponentDefinition } from "../definitions/component-definition.js";
import type { SchemaJson } from "../../schema/index.js";
import type { ModuleEnvironment } from "../request/push-request.js";
import { textHash } from "./module-hash.js";
import type { CodeModule, ProgramCode } from "./program-code.js";
import { readAll } from "./read-all.js";
import { keepTexts, readTexts } from "./text-table.js";

const table = "_pushed_programs";

interface ProgramRow {
  /** The hash of the manifest's text. */
  readonly manifest: string;
  readonly pushId: string;
  readonly pushedAtMs: number;
}

interface ManifestModule {
  readonly path: string;
  readonly environment: ModuleEnvironment;
  readonly sha256: string;
  /** The hash of the text. */
  readonly source: string;
  readonly sourceMap: string | null;
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
  const rows = (await readRows(writer)).filter(({ pushId }) => pushId !== code.pushId);
  const kept = rows.filter(({ pushId }) => retained.has(pushId));
  const texts = kept.length === 0 ? new Map<string, string>() : await readTexts(writer);
  const manifests = kept.flatMap((row) => texts.get(row.manifest) ?? []);
  const earlier = await readPrograms(writer, kept);
  await keepTexts(writer, [
    manifest,
    ...manifests,
    ...[code, ...earlier].flatMap((each) => [...textsOf(each)]),
  ]);
  for (const row of rows) if (!retained.has(row.pushId)) await writer.delete(row._id, table);
  const row: ProgramRow = { manifest: textHash(manifest), pushId: code.pushId, pushedAtMs: tx.beganAtMs };
  await writer.insert(table, { ...row });
}

/** The stored program; null when none was ever pushed. */
export async function readProgram(tx: QueryTransaction): Promise<ProgramCode | null> {
  const reader = tx.system("");
  const last = (await readRows(reader)).at(-1);
  return last === undefined ? null : ((await readPrograms(reader, [last]))[0] ?? null);
}

/** Those of earlier programs that are wanted and still there. */
export async function readRetainedPrograms(
  tx: QueryTransaction,
  wanted: ReadonlySet<string>,
): Promise<ProgramCode[]> {
  const reader = tx.system("");
  const earlier = (await readRows(reader)).slice(0, -1);
  return await readPrograms(
    reader,
    earlier.filter(({ pushId }) => wanted.has(pushId)),
  );
}

async function readPrograms(reader: DatabaseReader, rows: readonly ProgramRow[]): Promise<ProgramCode[]> {
  if (rows.length === 0) return [];
  const texts = await readTexts(reader);
  const text = (hash: string): string => {
    const found = texts.get(hash);
    if (found === undefined) throw new Error(`the stored program lacks the text ${hash}`);
    return found;
  };
  return rows.map((row) => {
    const { definitions, ...manifest } = JSON.parse(text(row.manifest)) as Manifest;
    return {
      ...manifest,
      definitions: new Map(
        definitions.map(({ modules, ...definition }) => [
          definition.definition.path,
          { ...definition, modules: modules.map((module) => withTexts(module, text)) },
        ]),
      ),
    };
  });
}

function manifestOf({ definitions, ...code }: ProgramCode): Manifest {
  return {
    ...code,
    definitions: [...definitions.values()].map(({ modules, ...definition }) => ({
      ...definition,
      modules: modules.map(({ path, environment, sha256, source, sourceMap }) => ({
        path,
        environment,
        sha256,
        source: textHash(source),
        sourceMap: sourceMap === undefined ? null : textHash(sourceMap),
      })),
    })),
  };
}

function* textsOf(code: ProgramCode): Generator<string> {
  for (const { modules } of code.definitions.values()) {
    for (const { source, sourceMap } of modules) {
      yield source;
      if (sourceMap !== undefined) yield sourceMap;
    }
  }
}

function withTexts(module: ManifestModule, text: (hash: string) => string): CodeModule {
  const { path, environment, sha256, source, sourceMap } = module;
  return {
    path,
    environment,
    sha256,
    source: text(source),
    ...(sourceMap === null ? {} : { sourceMap: text(sourceMap) }),
  };
}

/** In the order they were stored: the last is that of the active program. */
async function readRows(reader: DatabaseReader): Promise<(ProgramRow & Document)[]> {
  return await readAll<ProgramRow>(reader, table);
}
