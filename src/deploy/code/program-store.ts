/**
 * The active program in the data file: one document names a manifest, which names the texts of the modules by
 * their hashes. It is written in the transaction that puts the program in place, so the file holds the old
 * program or the new one, and nothing between.
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

/** Makes this the stored program. The transaction must have no limits. */
export async function storeProgram(tx: MutationTransaction, code: ProgramCode): Promise<void> {
  const manifest = JSON.stringify(manifestOf(code));
  const writer = tx.system("");
  await keepTexts(writer, [manifest, ...textsOf(code)]);
  const known = await readRow(writer);
  if (known !== null) await writer.delete(known._id, table);
  const row: ProgramRow = { manifest: textHash(manifest), pushId: code.pushId, pushedAtMs: tx.beganAtMs };
  await writer.insert(table, { ...row });
}

/** The stored program; null when none was ever pushed. */
export async function readProgram(tx: QueryTransaction): Promise<ProgramCode | null> {
  const reader = tx.system("");
  const row = await readRow(reader);
  if (row === null) return null;
  const texts = await readTexts(reader);
  const text = (hash: string): string => {
    const found = texts.get(hash);
    if (found === undefined) throw new Error(`the stored program lacks the text ${hash}`);
    return found;
  };
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

async function readRow(reader: DatabaseReader): Promise<(ProgramRow & Document) | null> {
  const [row] = await readAll<ProgramRow>(reader, table);
  return row ?? null;
}
