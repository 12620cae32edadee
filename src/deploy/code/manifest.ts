/** The code of a program as texts: one of them, the manifest, names the others by their hashes. */
import type { ComponentDefinition } from "../definitions/convex-config.js";
import type { SchemaJson } from "../../schema/index.js";
import type { ModuleEnvironment } from "../push/push-request.js";
import { outlineOf } from "./module-texts.js";
import type { CodeModule, DefinitionCode, ProgramCode } from "./program-code.js";
import { textHash } from "./text-table.js";

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

/** Null when one of its texts is lost. */
export function programOf(manifestHash: string, texts: ReadonlyMap<string, string>): ProgramCode | null {
  const text = texts.get(manifestHash);
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

/** The text that names the other ones. */
export function manifestText(code: ProgramCode): string {
  return JSON.stringify(manifestOf(code));
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

/** The texts that the manifest names. */
export function* textsOf(code: ProgramCode): Generator<string> {
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
