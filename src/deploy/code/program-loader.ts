/**
 * Loads the code that commits name and that this process has not loaded: the program that another process has put in place, one
 * that follows writes before it is, and the programs whose transforms documents need. All of it is read from where the
 * transaction that waits for it reads. What cannot be loaded is remembered with the reason, told once, and tried again after
 * a while; nothing else runs in its place.
 */
import type { CodeLoader, CodeNames, QueryTransaction } from "../../database/index.js";
import { isTrueupError } from "../../errors/index.js";
import type { ComponentProgram, LoadedProgram, Runtime } from "../../functions/index.js";
import { pushIdOf, type TransformFunctions } from "../steps/transform-functions.js";
import { buildProgram } from "./build-program.js";
import { readEnvironment } from "./environment-store.js";
import { codeText, codeTextOf, isInPlace, parseProgramName } from "./program-names.js";
import { readPushed } from "./program-store.js";
import { readProposed } from "./proposed-pushes.js";

export interface ProgramLoaderOptions {
  readonly runtime: Pick<Runtime, "programs" | "report">;
  readonly functions: TransformFunctions;
  readonly load: (program: ComponentProgram) => Promise<LoadedProgram>;
  /** Where code is thought to lie. */
  readonly folder: string;
}

/** How long the reason why a program cannot be loaded is taken for granted. */
const retryAfterMs = 5_000;

export class ProgramLoader {
  readonly #options: ProgramLoaderOptions;
  readonly #loading = new Map<string, Promise<void>>();
  readonly #failedAtMs = new Map<string, number>();
  /** The modules that this process was given, as the code of commits names them. */
  #modules: { readonly code: string; readonly program: LoadedProgram } | null = null;

  constructor(options: ProgramLoaderOptions) {
    this.#options = options;
  }

  /** Modules that this process was given: a program of this fingerprint needs no loading. */
  offer(fingerprint: string, program: LoadedProgram): void {
    this.#modules = { code: codeText({ kind: "modules", fingerprint }), program };
    // Whoever looked before they were given has found nothing.
    this.#failedAtMs.clear();
  }

  readonly load: CodeLoader = (code, read) => {
    const missing = this.#missing(code);
    if (missing.length === 0) return;
    return this.#loadAll(missing, read());
  };

  #missing({ program, followers, transforms }: CodeNames): readonly string[] {
    const { runtime, functions } = this.#options;
    const names: string[] = [];
    if (program !== null && !runtime.programs.has(program)) names.push(program);
    if (followers !== null && followers.failure === undefined && !runtime.programs.has(followers.program)) {
      names.push(followers.program);
    }
    for (const origin of transforms) {
      const pushId = pushIdOf(origin);
      if (pushId !== null && !functions.hasPush(pushId)) names.push(codeText({ kind: "push", pushId }));
    }
    if (names.length === 0) return names;
    const nowMs = Date.now();
    return names.filter((name) => nowMs - (this.#failedAtMs.get(name) ?? 0) >= retryAfterMs);
  }

  async #loadAll(names: readonly string[], tx: QueryTransaction): Promise<void> {
    for (const name of new Set(names)) {
      let loading = this.#loading.get(name);
      if (loading === undefined) {
        loading = this.#loadOne(name, tx).finally(() => this.#loading.delete(name));
        this.#loading.set(name, loading);
      }
      await loading;
    }
  }

  /** @throws what the storage throws */
  async #loadOne(name: string, tx: QueryTransaction): Promise<void> {
    const { runtime } = this.#options;
    try {
      const program = await this.#read(name, tx);
      if (isInPlace(name)) runtime.programs.add(name, program);
      else runtime.programs.addComing(name, program);
      this.#failedAtMs.delete(name);
    } catch (error) {
      if (isOfStorage(error)) throw error;
      this.#failedAtMs.set(name, Date.now());
      const isKnown = runtime.programs.failureOf(name) !== null;
      runtime.programs.fail(name, error);
      if (!isKnown) runtime.report("", "deploy", runtime.programs.failureOf(name));
    }
  }

  async #read(name: string, tx: QueryTransaction): Promise<LoadedProgram> {
    const code = parseProgramName(name);
    if (code?.kind === "modules") {
      if (this.#modules?.code === codeTextOf(name)) return this.#modules.program;
      throw new Error("it consists of modules that another process was given and that are not stored");
    }
    const { functions, load, folder } = this.#options;
    // Names of earlier versions do not tell the push: it is the one that is in place.
    const pushId = code?.pushId ?? null;
    const proposed = pushId === null ? null : await readProposed(tx, pushId);
    const stored = (await readPushed(tx, pushId)) ?? proposed?.code;
    if (stored === undefined) throw new Error("its code is not stored, or parts of it are lost");
    const program = await load(buildProgram(stored, await readEnvironment(tx), folder).program);
    functions.add({ kind: "push", pushId: stored.pushId }, program);
    return program;
  }
}

/** Whether the storage could not answer, which says nothing of the code. */
function isOfStorage(error: unknown): boolean {
  if (!isTrueupError(error)) return false;
  return error.retryable || error.code === "STORAGE_CLOSED";
}
