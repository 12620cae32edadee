/**
 * The code that a database runs, and how other code takes its place. A push goes step by step (`push/pushes.ts`): `startPush`
 * evaluates and imports the code and puts nothing in place (code generation ends there), `waitForSchema` makes the data ready,
 * `finishPush` stores the code and puts it in place in one transaction. Whatever happens before that commit, the old program is
 * there. One push is finished at a time; one that another has overtaken is refused. `activate` does the same at once for
 * modules that nobody pushed, whose code is not stored.
 *
 * Where several processes share the data, which program runs is nobody's memory: the head of the catalog names it, and each
 * process loads what is named there (`code/program-loader.ts`).
 */
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { v } from "convex/values";
import type { Database, MutationTransaction } from "../database/index.js";
import { isTrueupError, TrueupError } from "../errors/index.js";
import type { ComponentProgram, LoadedProgram, LoadOptions, Runtime } from "../functions/index.js";
import { catchUp } from "../storage/storage.js";
import type { Owner } from "../work/index.js";
import { abandon, type Participant } from "./activation.js";
import { Activator, type ProgramKeeper } from "./activator.js";
import { buildProgram } from "./code/build-program.js";
import { CodeInForce, type InForce } from "./code/code-in-force.js";
import { changeEnvironment, readEnvironment, type EnvironmentChange } from "./code/environment-store.js";
import { programFingerprint } from "./code/fingerprint.js";
import { schemasOf, type ProgramCode } from "./code/program-code.js";
import { ProgramLoader } from "./code/program-loader.js";
import { codeText } from "./code/program-names.js";
import { readPrograms, storeProgram } from "./code/program-store.js";
import { namesAddresses, serverAddresses } from "./code/server-addresses.js";
import type { Environment } from "./definitions/component-tree.js";
import { schemasInForce } from "./preparation/data-in-force.js";
import type { SchemaPreparation } from "./preparation/schema-preparation.js";
import type { SchemaStatus } from "./preparation/schema-status.js";
import { evaluateAuth } from "./push/auth-config.js";
import { hashesOf, type ConfigHashes } from "./push/config-hashes.js";
import { checkCrons } from "./push/check-crons.js";
import { evaluatePush } from "./push/evaluate-push.js";
import type { PushDiff } from "./push/push-diff.js";
import { PushRelay } from "./push/push-relay.js";
import { parsePushRequest } from "./push/push-request.js";
import { Pushes } from "./push/pushes.js";
import { evaluateSchemas, type SchemaEvaluation } from "./push/schema-evaluation.js";
import { schemaChange, type SchemaChange, type StartPushReply } from "./push/start-push-reply.js";
import { requestReader } from "./request-reader.js";
import { neededPushes, type OriginatedProgram } from "./steps/transform-functions.js";

export interface DeployerOptions {
  readonly database: Database;
  readonly runtime: Runtime;
  /** Environment variables of the app, before those that a program brings. */
  readonly env: Environment;
  /** What keeps something of the program that runs, in the order in which a program is stored and taken up. */
  readonly keepers: readonly ProgramKeeper[];
  /** Called whenever a program was taken up: lets begin what works by itself. */
  readonly start: () => Promise<void>;
  /** Where several processes share the data: whether this one carries out pushes. Left out, it does what it is asked for. */
  readonly owner?: Owner;
  /** Where code is thought to lie: packages that it does not bundle are found from there; `.trueup/code` when left out. */
  readonly codeFolder?: string;
}

const maxWaitMs = 60_000;
/** The CLI hands back what the push began with; its id is what matters here. */
const schemaChangeOfPush = v.object({ pushId: v.string() });
const readWait = requestReader(v.object({ schemaChange: schemaChangeOfPush, timeoutMs: v.number() }));
const readFinish = requestReader(
  v.object({
    startPush: v.object({ schemaChange: schemaChangeOfPush }),
    message: v.optional(v.string()),
    dryRun: v.optional(v.boolean()),
  }),
);

/** Something has put another program in place than the one that a change was made for. */
class ProgramChanged extends Error {}

const maxAttempts = 5;

export class Deployer {
  readonly #database: Database;
  readonly #options: DeployerOptions;
  readonly #activator: Activator;
  readonly #folder: string;
  readonly #inForce: CodeInForce;
  readonly #loader: ProgramLoader;
  readonly #pushes: Pushes;
  readonly #relay: PushRelay | null;
  #losses: readonly TrueupError[] = [];
  /** The server's addresses when code was imported last but for pushes; modules may have read them then. */
  #addresses: readonly (string | undefined)[] = serverAddresses();

  constructor(options: DeployerOptions) {
    const { database, runtime, owner } = options;
    this.#database = database;
    this.#options = options;
    this.#activator = new Activator(options);
    this.#folder = resolve(options.codeFolder ?? ".trueup/code");
    this.#inForce = new CodeInForce(database);
    const { functions } = this.#activator;
    const load = (program: ComponentProgram): Promise<LoadedProgram> => this.#load(program);
    const folder = this.#folder;
    this.#loader = new ProgramLoader({ runtime, functions, load, folder });
    this.#pushes = new Pushes({
      database,
      activator: this.#activator,
      inForce: this.#inForce,
      load,
      folder,
    });
    this.#relay = this.#isShared && owner ? new PushRelay(database, owner, this.#pushes) : null;
    if (this.#isShared) database.setCodeLoader(this.#loader.load);
  }

  /**
   * Puts the program that was pushed to this database last in place again, as it was: whatever goes on in the data goes on.
   * Modules that no longer import fail when they are called. Resolves with null when there was no push or its code is lost. Of
   * earlier programs whose transforms documents still need, the transforms are loaded. Where other processes share the data,
   * nothing is put in place: this one goes by what is there, and refuses calls where it cannot load that.
   */
  async resume(): Promise<LoadedProgram | null> {
    this.#addresses = serverAddresses();
    if (this.#isShared) return await this.#join();
    const code = await this.#readStored();
    if (code === null) return null;
    const { program } = buildProgram(code, await this.environment(), this.#folder);
    const next = pushed(await this.#load(program, { moduleFailures: "defer" }), code);
    await this.#activator.activate(next, [this.#activator.schemasAsTheyAre(next)]);
    return next.program;
  }

  /**
   * Puts modules that nobody pushed in place. Where other processes share the data, they have to be the modules that are in
   * place, unless nothing is. @throws STORAGE_PROGRAM_DIFFERS; what `activate` throws
   */
  async open(program: ComponentProgram): Promise<LoadedProgram> {
    if (!this.#isShared) return await this.activate(program);
    const loaded = await this.#load(program);
    const fingerprint = programFingerprint(loaded);
    this.#loader.offer(fingerprint, loaded);
    this.#activator.addTransforms(ofModules(loaded));
    const own = codeText({ kind: "modules", fingerprint });
    for (let attempt = 1; ; attempt++) {
      const { name, base } = await this.#inForce.read();
      if (base === own) return (await this.#join()) ?? loaded;
      const details = { stored: base, given: own };
      if (name !== null) throw new TrueupError("STORAGE_PROGRAM_DIFFERS", undefined, details);
      try {
        return await this.#activateModules(loaded, [whileInPlace(null)]);
      } catch (error) {
        if (!(error instanceof ProgramChanged) || attempt === maxAttempts) throw error;
      }
    }
  }

  /** What `resume` could not read of the stored code, each with what to do about it. */
  get losses(): readonly TrueupError[] {
    return this.#losses;
  }

  /** Why this process refuses calls: it cannot load the program that runs. Null while it does not. */
  get programFailure(): TrueupError | null {
    return this.#options.runtime.programs.refusal;
  }

  /**
   * Puts a program in place that was not pushed: makes the data ready for it and builds the aggregates that it changes, while
   * calls go on, then lets calls run it. @throws what `startPush` and `finishPush` throw; nothing has changed then
   */
  async activate(program: ComponentProgram, options: LoadOptions = {}): Promise<LoadedProgram> {
    return await this.#activateModules(await this.#load(program, options), []);
  }

  async #activateModules(loaded: LoadedProgram, first: readonly Participant[]): Promise<LoadedProgram> {
    return await this.#activator.inTurn(async () => {
      this.#loader.offer(programFingerprint(loaded), loaded);
      const preparing = [await this.prepare(loaded), this.#activator.aggregatesBeside(ofModules(loaded))];
      try {
        await this.#activator.activate(ofModules(loaded), [...first, ...preparing]);
      } finally {
        await abandon(preparing);
      }
      return loaded;
    });
  }

  /** Begins to make the data ready for a program that was not pushed. @throws what `checkCrons` throws */
  async prepare(program: LoadedProgram): Promise<SchemaPreparation> {
    checkCrons(program);
    const after = new Map(
      [...program.components].map(([path, component]) => [path, component.program.schema]),
    );
    const before = await schemasInForce(this.#database, after.keys());
    return this.#activator.prepareSchemas(ofModules(program), { before, after }, false);
  }

  /** What the code that runs consists of, for the CLI to send only what has changed. */
  async configHashes(): Promise<ConfigHashes> {
    await catchUp(this.#database.storage);
    return hashesOf((await this.#inForce.read()).code);
  }

  /**
   * What the pushed schemas would do to the data. Imports no functions. O(tables + indexes).
   * @throws INVALID_REQUEST, MODULE_FAILED, INVALID_COMPONENTS, INVALID_SCHEMA, PUSH_OUTDATED
   */
  async evaluateSchema(body: unknown): Promise<SchemaEvaluation> {
    const { code: active, env } = await this.#inForce.read();
    const code = await evaluatePush(parsePushRequest(body), env, active);
    return await evaluateSchemas(this.#database, await this.#pushes.schemasBefore(code), active, code);
  }

  /** The changes of indexes that the push would bring. @throws what `evaluateSchema` throws */
  async evaluatePush(body: unknown): Promise<{ readonly schemaChange: SchemaChange }> {
    const { code: active, env } = await this.#inForce.read();
    const code = await evaluatePush(parsePushRequest(body), env, active);
    const before = await this.#pushes.schemasBefore(code);
    return { schemaChange: schemaChange(code.pushId, before, schemasOf(code)) };
  }

  /**
   * Evaluates and imports the code of a push, and keeps it for the steps to come, which may reach other processes.
   * @throws INVALID_REQUEST, MODULE_FAILED, INVALID_COMPONENTS, INVALID_SCHEMA, INVALID_FUNCTION,
   *   MISSING_ENVIRONMENT_VARIABLES, AUTH_CONFIG_MISSING_ENVIRONMENT_VARIABLE, PUSH_OUTDATED
   */
  async startPush(body: unknown): Promise<StartPushReply> {
    const request = parsePushRequest(body);
    await catchUp(this.#database.storage);
    return await this.#pushes.start(request);
  }

  /** Makes the data ready for the push, and says how far that is. @throws INVALID_REQUEST, PUSH_OUTDATED */
  async waitForSchema(body: unknown): Promise<SchemaStatus> {
    const request = readWait(body);
    const timeoutMs = Math.min(Math.max(0, request.timeoutMs), maxWaitMs);
    await catchUp(this.#database.storage);
    return await (this.#relay ?? this.#pushes).wait(request.schemaChange.pushId, timeoutMs);
  }

  /**
   * Stores the code of a push and puts it in place; a dry run only says what that would change.
   * @throws INVALID_REQUEST, PUSH_OUTDATED, SCHEMA_NOT_SATISFIED, DESTRUCTIVE_CHANGE, MIGRATION_UNFINISHED, TRANSFORM_INVALID,
   *   TRANSFORM_REHEARSAL_FAILED, TRANSFORM_FAILED, AGGREGATE_BUILD_FAILED; nothing has changed then
   */
  async finishPush(body: unknown): Promise<PushDiff> {
    const { startPush, message = null, dryRun = false } = readFinish(body);
    await catchUp(this.#database.storage);
    return await (this.#relay ?? this.#pushes).finish(startPush.schemaChange.pushId, { message, dryRun });
  }

  /** The deployment's environment variables. */
  async environment(): Promise<Environment> {
    const { value } = await this.#database.query((tx) => readEnvironment(tx), { limits: null });
    return value;
  }

  /**
   * Sets and unsets environment variables. The program is imported anew, since modules may have read them.
   * @throws INVALID_ENVIRONMENT_VARIABLE, MODULE_FAILED, AUTH_CONFIG_MISSING_ENVIRONMENT_VARIABLE; nothing has changed then
   */
  async updateEnvironment(changes: readonly EnvironmentChange[]): Promise<void> {
    await this.#whileInPlace(async ({ name, code: active, env: before }) => {
      const store = (tx: MutationTransaction): Promise<void> => changeEnvironment(tx, changes);
      if (active === null) {
        await this.#database.mutate(
          async (tx) => {
            assertInPlace(tx, name);
            await store(tx);
          },
          { limits: null },
        );
        return;
      }
      const env: Record<string, string> = { ...before };
      for (const { name: variable, value } of changes) {
        if (value === null) delete env[variable];
        else env[variable] = value;
      }
      const code = { ...active, auth: await evaluateAuth(active.definitions.get(""), env) };
      await this.#activateIn(env, code, [whileInPlace(name), { store }]);
    });
  }

  /**
   * For a server that has begun to listen: reads anew which providers `auth.config` names, and imports code anew that names
   * the server's addresses, which it may have read while it was imported. Where nothing is different, nothing is activated.
   * Where other processes share the data, only this one goes by its addresses.
   * @throws MODULE_FAILED, AUTH_CONFIG_MISSING_ENVIRONMENT_VARIABLE; nothing has changed then
   */
  async updateAddresses(): Promise<void> {
    await this.#whileInPlace(async ({ name, code: active, env }) => {
      if (active === null || name === null) return;
      const auth = await evaluateAuth(active.definitions.get(""), env);
      const hasRead = namesAddresses(active) && !isDeepStrictEqual(this.#addresses, serverAddresses());
      if (!hasRead && isDeepStrictEqual(auth, active.auth)) return;
      if (!this.#isShared) {
        await this.#activateIn(env, { ...active, auth }, [whileInPlace(name)]);
        return;
      }
      this.#addresses = serverAddresses();
      const { program } = buildProgram({ ...active, auth }, env, this.#folder);
      await this.#activator.replaceHere(name, await this.#load(program));
    });
  }

  /** Calls the listener whenever other code, or the same in another environment, has begun to run; returns how to stop. */
  onActivated(listener: () => void): () => void {
    return this.#activator.onActivated(listener);
  }

  /** Begins to carry out pushes that other processes are asked for, where this one is to. */
  start(): void {
    this.#relay?.start();
  }

  /** Forgets pushes that were not finished. Idempotent. */
  async close(): Promise<void> {
    await this.#relay?.close();
    await this.#activator.close();
    await this.#pushes.close();
  }

  get #isShared(): boolean {
    return this.#database.storage.capabilities.shared;
  }

  /** Goes by the program that is in place. Null where there is none, or it cannot be loaded, of which the log tells. */
  async #join(): Promise<LoadedProgram | null> {
    try {
      await this.#activator.takeUp();
    } catch (error) {
      if (!isTrueupError(error) || error.code !== "PROGRAM_NOT_LOADED") throw error;
      return null;
    }
    return this.#options.runtime.active;
  }

  /** Makes a change to what is in place, one after the other; again when another process has put another program in place. */
  async #whileInPlace(change: (inForce: InForce) => Promise<void>): Promise<void> {
    await this.#activator.inTurn(async () => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await change(await this.#inForce.read());
        } catch (error) {
          if (!(error instanceof ProgramChanged)) throw error;
          if (attempt === maxAttempts) throw new TrueupError("PUSH_OUTDATED");
        }
      }
    });
  }

  /** Puts pushed code in place, imported anew in an environment. */
  async #activateIn(env: Environment, code: ProgramCode, before: readonly Participant[]): Promise<void> {
    this.#addresses = serverAddresses();
    const { program } = buildProgram(code, env, this.#folder);
    const store = async (tx: MutationTransaction): Promise<void> =>
      storeProgram(tx, code, await neededPushes(tx));
    await this.#activator.activate(pushed(await this.#load(program), code), [...before, { store }]);
  }

  /** Imports a program without putting it in place. */
  async #load(program: ComponentProgram, options: LoadOptions = {}): Promise<LoadedProgram> {
    const { runtime, env } = this.#options;
    return await runtime.load({ ...program, env: { ...program.env, ...env } }, options);
  }

  /** Null when there was no push, or its code is lost. Loads the transforms of earlier programs that documents still need. */
  async #readStored(): Promise<ProgramCode | null> {
    const { value } = await this.#database.query(
      async (tx) => ({ wanted: await neededPushes(tx), env: await readEnvironment(tx) }),
      { limits: null },
    );
    const { wanted, env } = value;
    const { active, retained, losses } = await readPrograms(this.#database, wanted);
    this.#losses = losses;
    for (const earlier of retained) {
      const { program } = buildProgram(earlier, env, this.#folder);
      const loaded = await this.#load(program, { moduleFailures: "defer" });
      this.#activator.addTransforms(pushed(loaded, earlier));
    }
    return active;
  }
}

/** Refuses to go on when another program is in place. */
function whileInPlace(name: string | null): Participant {
  return { check: (tx) => Promise.resolve(assertInPlace(tx, name)) };
}

/** @throws ProgramChanged */
function assertInPlace({ program }: MutationTransaction, name: string | null): void {
  if (program !== name) throw new ProgramChanged();
}

function pushed(program: LoadedProgram, { pushId }: ProgramCode): OriginatedProgram {
  return { program, origin: { kind: "push", pushId } };
}

function ofModules(program: LoadedProgram): OriginatedProgram {
  return { program, origin: { kind: "modules" } };
}
