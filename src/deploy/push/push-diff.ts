/** Tells the CLI, when a push is done, what it has changed: for each component its modules, crons, indexes and schema. */
import type { SchemaJson } from "../../schema/index.js";
import type { AuthProvider } from "../../functions/index.js";
import type { CodeModule, DefinitionCode, ProgramCode } from "../code/program-code.js";
import { instancesOf } from "../code/program-code.js";
import { indexDiff, type IndexDiff } from "./index-diff.js";

interface NameDiff {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export interface ComponentDiff {
  readonly diffType: { readonly type: "create" | "modify" | "unmount" };
  readonly moduleDiff: NameDiff;
  readonly udfConfigDiff: { readonly previous_version: string; readonly next_version: string } | null;
  readonly cronDiff: {
    readonly added: readonly string[];
    readonly updated: readonly string[];
    readonly deleted: readonly string[];
  };
  readonly indexDiff: IndexDiff;
  readonly schemaDiff: {
    readonly previous_schema: string | null;
    readonly next_schema: string | null;
  } | null;
}

export interface PushDiff {
  readonly authDiff: NameDiff;
  readonly definitionDiffs: Readonly<Record<string, object>>;
  readonly componentDiffs: Readonly<Record<string, ComponentDiff>>;
}

/** The difference between what ran before and what was pushed. Components that did not change are left out. */
export function pushDiff(before: ProgramCode | null, after: ProgramCode): PushDiff {
  const old = instancesOf(before);
  const now = instancesOf(after);
  const componentDiffs: Record<string, ComponentDiff> = {};
  for (const path of new Set([...now.keys(), ...old.keys()])) {
    const diff = componentDiff(
      { code: old.get(path), crons: before?.crons[path] ?? {} },
      { code: now.get(path), crons: after.crons[path] ?? {} },
    );
    if (path === "" || diff !== null) componentDiffs[path] = diff ?? unchanged;
  }
  return {
    authDiff: nameDiff(providerTexts(before?.auth), providerTexts(after.auth)),
    definitionDiffs: {},
    componentDiffs,
  };
}

type Crons = Readonly<Record<string, string>>;

interface ComponentSide {
  readonly code: DefinitionCode | undefined;
  readonly crons: Crons;
}

const unchanged: ComponentDiff = {
  diffType: { type: "modify" },
  moduleDiff: { added: [], removed: [] },
  udfConfigDiff: null,
  cronDiff: { added: [], updated: [], deleted: [] },
  indexDiff: { added_indexes: [], removed_indexes: [], enabled_indexes: [], disabled_indexes: [] },
  schemaDiff: null,
};

function componentDiff(before: ComponentSide, after: ComponentSide): ComponentDiff | null {
  const [old, now] = [before.code, after.code];
  const type = old === undefined ? "create" : now === undefined ? "unmount" : "modify";
  const diff: ComponentDiff = {
    diffType: { type },
    moduleDiff: nameDiff(moduleTexts(old?.modules), moduleTexts(now?.modules)),
    udfConfigDiff: versionDiff(old, now),
    cronDiff: cronDiff(before.crons, after.crons),
    indexDiff: indexDiff(old?.schema ?? null, now?.schema ?? null),
    schemaDiff: schemaDiff(old?.schema ?? null, now?.schema ?? null),
  };
  const isUnchanged = type === "modify" && JSON.stringify(diff) === JSON.stringify(unchanged);
  return isUnchanged ? null : diff;
}

function versionDiff(old?: DefinitionCode, now?: DefinitionCode): ComponentDiff["udfConfigDiff"] {
  if (old === undefined || now === undefined || old.serverVersion === now.serverVersion) return null;
  return { previous_version: old.serverVersion, next_version: now.serverVersion };
}

function schemaDiff(old: SchemaJson | null, now: SchemaJson | null): ComponentDiff["schemaDiff"] {
  const previous_schema = old === null ? null : JSON.stringify(old);
  const next_schema = now === null ? null : JSON.stringify(now);
  return previous_schema === next_schema ? null : { previous_schema, next_schema };
}

function cronDiff(old: Crons, now: Crons): ComponentDiff["cronDiff"] {
  const names = Object.keys(now);
  return {
    added: names.filter((name) => old[name] === undefined),
    updated: names.filter((name) => old[name] !== undefined && old[name] !== now[name]),
    deleted: Object.keys(old).filter((name) => now[name] === undefined),
  };
}

/** A changed module counts as removed and added, as the CLI has it. */
function moduleTexts(modules: readonly CodeModule[] = []): ReadonlyMap<string, string> {
  return new Map(modules.map(({ path, sha256 }) => [`${path}\0${sha256}`, path]));
}

function providerTexts(providers: readonly AuthProvider[] = []): ReadonlyMap<string, string> {
  const texts = providers.map((provider) => JSON.stringify(provider));
  return new Map(texts.map((text) => [text, text]));
}

/** What only one of two maps has, by key, as its values. */
function nameDiff(old: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): NameDiff {
  const missingIn = (other: ReadonlyMap<string, string>) => (entry: readonly [string, string]) =>
    !other.has(entry[0]);
  return {
    added: [...now].filter(missingIn(old)).map(([, name]) => name),
    removed: [...old].filter(missingIn(now)).map(([, name]) => name),
  };
}
