/**
 * Modules that are imported together: one instance of pushed code, with globals of its own. When nobody uses an instance any
 * more, all of it is given back. It does what Node does with ES modules: what a module imports is evaluated first and
 * once, functions are there before their module is, and an importer sees every change of a variable.
 *
 * The variables of another module are closures' variables, set before the importer is evaluated, and cost what its own cost.
 * Only those that may change later, or that are not there yet because modules import each other, are looked up at each use.
 */
import { createRequire } from "node:module";
import { dirname, join, posix } from "node:path";
import { pathToFileURL } from "node:url";
import type { ProgramGlobals } from "../../functions/index.js";
import { compile } from "./compile.js";
import { importName, metaName, type ForeignName, type ModuleText } from "./module-text.js";

/** A module as it can be evaluated. */
export interface CodeText {
  readonly text: ModuleText;
  /** Of the map of its source, if there is one. */
  readonly sourceMapUrl?: string | undefined;
  /** Whether it may call `require`, as modules for Node may. */
  readonly isForNode: boolean;
}

type Namespace = Record<string, unknown>;
type Getter = () => unknown;
type ImportOutside = (specifier: string, options?: ImportCallOptions) => Promise<Namespace>;

type Steps = Iterator<void> | AsyncIterator<void>;

/** What a compiled text gives: its variables can be set, and its body runs to the end in two steps. */
interface Body {
  readonly set: Readonly<Record<string, (value: unknown) => void>>;
  readonly run: (meta: object, importer: unknown, takeExports: unknown) => Steps;
}

type MakeBody = (globals: object, live: object, ...ofNode: unknown[]) => Body;

interface ModuleState {
  readonly path: string;
  readonly code: CodeText;
  readonly namespace: Namespace;
  /** The variables that it exports, once it is compiled. */
  readonly getters: Map<string, Getter>;
  /** Those that it imports, to be set before it runs. */
  readonly settings: (() => void)[];
  /** Held because the map of its source is. */
  compiled: object | null;
  steps: Steps | null;
  /** Null until it runs, a promise while it awaits. */
  running: Promise<void> | "ended" | null;
  failure: { readonly error: unknown } | null;
}

export class CodeInstance {
  readonly #sources: ReadonlyMap<string, () => CodeText>;
  readonly #codes = new Map<string, CodeText>();
  readonly #folder: string;
  readonly #globals: ProgramGlobals;
  readonly #states = new Map<string, ModuleState>();
  readonly #outside = new Map<string, Namespace>();
  readonly #importOutside: ImportOutside;

  /**
   * @param sources By path, `dir/mod.js`, or by the very text that imports name them by. Each is asked for once, when needed.
   * @param folder Where the modules are thought to lie: packages are found from there.
   */
  constructor(sources: ReadonlyMap<string, () => CodeText>, folder: string, globals: ProgramGlobals) {
    this.#sources = sources;
    this.#folder = folder;
    this.#globals = globals;
    const importer = "module.exports = (specifier, options) => import(specifier, options);";
    this.#importOutside = compile(importer, join(folder, "import.cjs")).exports as ImportOutside;
  }

  /** Imports a module with all that it imports. Rejects with whatever the modules throw. */
  async import(path: string): Promise<Namespace> {
    await this.#loadOutside(path, new Set());
    const order = new Set<ModuleState>();
    const state = this.#prepare(path, order, new Set());
    const rest = order.values();
    // To look whether built-ins are still as they were costs more than most modules do, so it is done once for all of them.
    while (order.size > 0) {
      const running = this.#globals.guard(() => this.#runSome(rest));
      if (running === null) break;
      await running;
    }
    return state.namespace;
  }

  /** Runs modules up to one that awaits, and returns its promise; null after the last. */
  #runSome(rest: Iterable<ModuleState>): Promise<void> | null {
    for (const each of rest) {
      const running = this.#run(each);
      if (running !== null) return running;
    }
    return null;
  }

  /** Imports what is not part of the code: packages, and Node's own modules. */
  async #loadOutside(path: string, seen: Set<string>): Promise<void> {
    if (seen.has(path)) return;
    seen.add(path);
    for (const [specifier, attributes] of this.#code(path).text.requests) {
      const inside = this.#inside(path, specifier);
      if (inside !== null) await this.#loadOutside(inside, seen);
      else if (!this.#outside.has(specifier)) {
        const options = attributes === undefined ? undefined : { with: attributes };
        this.#outside.set(specifier, await this.#import(specifier, options));
      }
    }
  }

  async #import(specifier: string, options?: ImportCallOptions): Promise<Namespace> {
    return this.#globals.modules.get(specifier) ?? (await this.#importOutside(specifier, options));
  }

  /** @throws SyntaxError */
  #code(path: string): CodeText {
    let code = this.#codes.get(path);
    if (code !== undefined) return code;
    code = this.#sources.get(path)?.();
    if (code === undefined) throw new Error(`Cannot find module '${path}'`);
    this.#codes.set(path, code);
    return code;
  }

  /** The path of a module of this code that an import means; null for what is outside. */
  #inside(from: string, specifier: string): string | null {
    if (this.#sources.has(specifier)) return specifier;
    if (!/^\.\.?\//.test(specifier)) return null;
    const path = posix.join(posix.dirname(from), specifier);
    if (this.#sources.has(path)) return path;
    throw new Error(`Cannot find module '${specifier}' imported from '${from}'`);
  }

  /** Compiles a module after those that it imports, and lists them in the order in which they are to run. */
  #prepare(path: string, order: Set<ModuleState>, above: Set<string>): ModuleState {
    const known = this.#states.get(path);
    if (known !== undefined && (above.has(path) || known.running === "ended")) return known;
    if (known !== undefined && order.has(known)) return known;
    const code = this.#code(path);
    const state = known ?? newState(path, code);
    this.#states.set(path, state);
    above.add(path);
    for (const specifier of code.text.requests.keys()) {
      const inside = this.#inside(path, specifier);
      if (inside !== null) this.#prepare(inside, order, above);
    }
    if (state.steps === null && state.failure === null) {
      try {
        this.#compile(state, above);
      } catch (error) {
        state.failure = { error };
      }
    }
    above.delete(path);
    order.add(state);
    return state;
  }

  #compile(state: ModuleState, above: ReadonlySet<string>): void {
    const { path, code, namespace, getters, settings } = state;
    const { text } = code;
    const live = Object.create(null) as Record<string, unknown>;
    const set = new Map<string, Getter>();
    for (const [local, foreign] of text.imports) {
      const { get, isFixed } = this.#find(path, foreign, above);
      if (isFixed) set.set(local, get);
      else Object.defineProperty(live, local, { get });
    }
    const file = join(this.#folder, path);
    const globals = this.#globals;
    const slots = text.globals.filter((name) => !text.imports.has(name));
    const source = textToCompile(code, [...set.keys(), ...slots]);
    const compiled = compile(source, file);
    state.compiled = compiled;
    const make = compiled.exports as MakeBody;
    const ofNode = code.isForNode ? [file, dirname(file), createRequire(file)] : [];
    const body = make(globals.object, live, ...ofNode);
    for (const name of slots) globals.bind(name, body.set[name] ?? ((): void => {}));
    for (const [local, get] of set) settings.push(() => body.set[local]?.(get()));
    const meta = { url: pathToFileURL(file).href, filename: file, dirname: dirname(file) };
    const imports = async (specifier: unknown, options?: ImportCallOptions): Promise<Namespace> => {
      const inside = this.#inside(path, String(specifier));
      return inside === null ? await this.#import(String(specifier), options) : await this.import(inside);
    };
    const take = (own: readonly (readonly [string, Getter])[]): void => {
      for (const [name, get] of own) getters.set(name, get);
    };
    state.steps = body.run(meta, imports, take);
    // The first step makes the functions, and tells what is exported.
    void state.steps.next();
    for (const name of [...this.#namesOf(path)].toSorted()) {
      const found = this.#export(path, name, new Set());
      if (found !== null) Object.defineProperty(namespace, name, { enumerable: true, get: found.get });
    }
    Object.defineProperty(namespace, Symbol.toStringTag, { value: "Module" });
    Object.preventExtensions(namespace);
  }

  /** How an imported name is read, and whether it will stay as it is by the time the importer runs. */
  #find(
    from: string,
    { from: specifier, name }: ForeignName,
    above: ReadonlySet<string>,
  ): { readonly get: Getter; readonly isFixed: boolean } {
    const inside = this.#inside(from, specifier);
    if (inside !== null) {
      if (name === "*") return { get: () => this.#states.get(inside)?.namespace, isFixed: true };
      const found = this.#export(inside, name, new Set());
      if (found === null) throw noExport(specifier, name);
      return { get: found.get, isFixed: !found.changes && !above.has(found.path) };
    }
    const outside = this.#outside.get(specifier) ?? {};
    if (name !== "*" && !(name in outside)) throw noExport(specifier, name);
    return { get: () => (name === "*" ? outside : outside[name]), isFixed: true };
  }

  /** Finds a name that a module exports, itself or from another; null where it does not. */
  #export(path: string, name: string, seen: Set<string>): Exported | null {
    const key = `${path}\0${name}`;
    const state = this.#states.get(path);
    if (state === undefined || seen.has(key)) return null;
    seen.add(key);
    const { text } = state.code;
    const local = text.exports.get(name);
    if (local !== undefined) {
      const get = (): unknown => (state.getters.get(name) ?? missing(name))();
      return { path, get, changes: text.changing.has(local) };
    }
    const foreign = text.reexports.get(name);
    if (foreign !== undefined) return this.#foreign(path, foreign, seen);
    for (const specifier of name === "default" ? [] : text.stars) {
      const found = this.#foreign(path, { from: specifier, name }, seen);
      if (found !== null) return found;
    }
    return null;
  }

  #foreign(path: string, { from, name }: ForeignName, seen: Set<string>): Exported | null {
    const inside = this.#inside(path, from);
    if (inside !== null && name !== "*") return this.#export(inside, name, seen);
    const namespace = inside === null ? this.#outside.get(from) : this.#states.get(inside)?.namespace;
    if (namespace === undefined || (name !== "*" && !(name in namespace))) return null;
    return { path, get: () => (name === "*" ? namespace : namespace[name]), changes: false };
  }

  #namesOf(path: string, seen: Set<string> = new Set()): Set<string> {
    if (seen.has(path)) return new Set();
    seen.add(path);
    const { text } = this.#states.get(path)?.code ?? {};
    const names = new Set([...(text?.exports.keys() ?? []), ...(text?.reexports.keys() ?? [])]);
    for (const specifier of text?.stars ?? []) {
      const inside = this.#inside(path, specifier);
      const theirs =
        inside === null ? Object.keys(this.#outside.get(specifier) ?? {}) : this.#namesOf(inside, seen);
      for (const name of theirs) if (name !== "default") names.add(name);
    }
    return names;
  }

  /** Runs a module's body, once. Returns a promise while it awaits. Throws what it threw. */
  #run(state: ModuleState): Promise<void> | null {
    if (state.failure !== null) throw state.failure.error;
    if (state.running !== null) return state.running === "ended" ? null : state.running;
    const failed = (error: unknown): never => {
      state.failure = { error };
      throw error;
    };
    try {
      for (const set of state.settings.splice(0)) set();
      const result = state.steps?.next();
      if (!(result instanceof Promise)) {
        state.running = "ended";
        return null;
      }
      state.running = result.then(() => {
        state.running = "ended";
      }, failed);
      return state.running;
    } catch (error) {
      return failed(error);
    }
  }
}

interface Exported {
  /** The module whose variable it is. */
  readonly path: string;
  readonly get: Getter;
  readonly changes: boolean;
}

function newState(path: string, code: CodeText): ModuleState {
  return {
    path,
    code,
    namespace: Object.create(null) as Namespace,
    getters: new Map(),
    settings: [],
    compiled: null,
    steps: null,
    running: null,
    failure: null,
  };
}

/**
 * The text that is compiled: names that the module does not declare are looked for among what it imports, then in the globals
 * of the program. `names` are those that are variables here, because a look-up would cost a hundred times as much.
 */
function textToCompile({ text, sourceMapUrl }: CodeText, names: readonly string[]): string {
  const setters = names.map((name) => `${name}($value){${name}=$value}`).join();
  const getters = [...text.exports].map(([name, local]) => `[${JSON.stringify(name)},()=>${local}]`).join();
  const star = text.isAsync ? "async function*" : "function*";
  // A map of the source counts one line more.
  const line = sourceMapUrl === undefined ? "" : "\n";
  return (
    `module.exports=function($globals,$live,__filename,__dirname,require){with($globals)with($live)` +
    `return function(module,exports,undefined${names.map((name) => `,${name}`).join("")}){return{set:{${setters}},` +
    `run:${star}(${metaName},${importName},$exports){"use strict";$exports([${getters}]);yield;${line}` +
    `${text.body}\n}}}()}` +
    (sourceMapUrl === undefined ? "" : `\n//# sourceMappingURL=${sourceMapUrl}`)
  );
}

function noExport(specifier: string, name: string): SyntaxError {
  return new SyntaxError(`The requested module '${specifier}' does not provide an export named '${name}'`);
}

function missing(name: string): never {
  throw new ReferenceError(`Cannot access '${name}' before initialization`);
}
