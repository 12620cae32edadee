/**
 * The code that a database runs, and how other code takes its place. A push goes step by step: `startPush` evaluates and
 * imports the code and puts nothing in place (code generation ends there), `waitForSchema` makes the data ready, `finishPush`
 * stores the code and puts it in place in one transaction. Until then everything about the push is in memory only, so
 * whatever happens before that commit, the old program is there. One push is finished at a time; one that another has
 * overtaken is refused. `activate` does the same at once for modules that nobody pushed, whose code is not stored.
 */
import { resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { v } from "convex/values";
import type { Database, MutationTransaction } from "../database/index.js";
import { TrueupError } from "../errors/index.js";
import type { ComponentProgram, LoadedProgram, LoadOptions, Runtime } from "../functions/index.js";
import { abandon } from "./activation.js";
import { Activator, type ProgramKeeper } from "./activator.js";
import { pushDiff, type PushDiff } from "./push/push-diff.js";
import { evaluateSchemas, type SchemaEvaluation } from "./push/schema-evaluation.js";
import { buildProgram } from "./code/build-program.js";
import {
  changeEnvironment,
  readEnvironment,
  serverVariables,
  type EnvironmentChange,
} from "./code/environment-store.js";
import { schemasOf, type ProgramCode, type Schemas } from "./code/program-code.js";
import { readPrograms, storeProgram } from "./code/program-store.js";
import { checkEnvironment, type Environment } from "./definitions/component-tree.js";
import { checkCrons } from "./push/check-crons.js";
import { schemasInForce } from "./preparation/data-in-force.js";
import type { SchemaPreparation } from "./preparation/schema-preparation.js";
import { aggregatesStatus, type SchemaStatus } from "./preparation/schema-status.js";
import { authModule, evaluateAuth } from "./push/auth-config.js";
import { evaluatePush } from "./push/evaluate-push.js";
import { loadPush, type LoadedPush } from "./push/load-push.js";
import { PendingPushes, type PendingPush } from "./push/pending-pushes.js";
import {
  schemaChange,
  startPushReply,
  type SchemaChange,
  type StartPushReply,
} from "./push/start-push-reply.js";
import { parsePushRequest } from "./push/push-request.js";
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
  /** Where code is thought to lie: packages that it does not bundle are found from there; `.trueup/code` when left out. */
  readonly codeFolder?: string;
}

/** What the CLI compares its bundles with: the hash of each module of the app, by its path. */
export interface ConfigHashes {
  readonly config: { readonly functions: string };
  readonly moduleHashes: readonly {
    readonly path: string;
    readonly hash: string;
    readonly environment: string;
  }[];
  readonly nodeDependencies: readonly never[];
  readonly udfServerVersion: string | null;
  readonly nodeVersion: string | null;
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

export class Deployer {
  readonly #database: Database;
  readonly #options: DeployerOptions;
  readonly #activator: Activator;
  readonly #folder: string;
  readonly #pending: PendingPushes;
  #active: ProgramCode | null = null;
  #losses: readonly TrueupError[] = [];
  /** The server's addresses when code was imported last but for pushes; modules may have read them then. */
  #addresses: readonly (string | undefined)[] = [];

  constructor(options: DeployerOptions) {
    this.#database = options.database;
    this.#options = options;
    this.#activator = new Activator(options);
    this.#pending = new PendingPushes(this.#activator);
    this.#folder = resolve(options.codeFolder ?? ".trueup/code");
  }

  /**
   * Puts the program that was pushed to this database last in place again, as it was: whatever goes on in the data goes on.
   * Modules that no longer import fail when they are called. Resolves with null when there was no push or its code is lost. Of
   * earlier programs whose transforms documents still need, the transforms are loaded.
   */
  async resume(): Promise<LoadedProgram | null> {
    this.#addresses = serverAddresses();
    const program = await this.#loadStored();
    if (program === null || this.#active === null) return null;
    const loaded = await this.#load(program, { moduleFailures: "defer" });
    const next = pushed(loaded, this.#active);
    await this.#activator.activate(next, [this.#activator.schemasAsTheyAre(next)]);
    return loaded;
  }

  /** What `resume` could not read of the stored code, each with what to do about it. */
  get losses(): readonly TrueupError[] {
    return this.#losses;
  }

  /**
   * Puts a program in place that was not pushed: makes the data ready for it and builds the aggregates that it changes, while
   * calls go on, then lets calls run it. @throws what `startPush` and `finishPush` throw; nothing has changed then
   */
  async activate(program: ComponentProgram, options: LoadOptions = {}): Promise<LoadedProgram> {
    return await this.#activator.inTurn(async () => {
      const loaded = await this.#load(program, options);
      const preparing = [await this.prepare(loaded), this.#activator.aggregatesBeside(loaded)];
      try {
        await this.#activator.activate(ofModules(loaded), preparing);
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
  configHashes(): ConfigHashes {
    const app = this.#active?.definitions.get("");
    return {
      config: { functions: this.#active?.functionsFolder ?? "convex/" },
      moduleHashes: (app?.modules ?? []).map(({ path, sha256, environment }) => ({
        path,
        hash: sha256,
        environment,
      })),
      nodeDependencies: [],
      udfServerVersion: app?.serverVersion ?? null,
      nodeVersion: this.#active?.nodeVersion ?? null,
    };
  }

  /**
   * What the pushed schemas would do to the data. Imports no functions. O(tables + indexes).
   * @throws INVALID_REQUEST, MODULE_FAILED, INVALID_COMPONENTS, INVALID_SCHEMA, PUSH_OUTDATED
   */
  async evaluateSchema(body: unknown): Promise<SchemaEvaluation> {
    const code = await evaluatePush(parsePushRequest(body), await this.environment(), this.#active);
    return await evaluateSchemas(this.#database, await this.#schemasBefore(code), this.#active, code);
  }

  /** The changes of indexes that the push would bring. @throws what `evaluateSchema` throws */
  async evaluatePush(body: unknown): Promise<{ readonly schemaChange: SchemaChange }> {
    const code = await evaluatePush(parsePushRequest(body), await this.environment(), this.#active);
    return { schemaChange: schemaChange(code.pushId, await this.#schemasBefore(code), schemasOf(code)) };
  }

  /**
   * Evaluates and imports the code of a push, and keeps it for the steps to come.
   * @throws INVALID_REQUEST, MODULE_FAILED, INVALID_COMPONENTS, INVALID_SCHEMA, INVALID_FUNCTION,
   *   MISSING_ENVIRONMENT_VARIABLES, AUTH_CONFIG_MISSING_ENVIRONMENT_VARIABLE, PUSH_OUTDATED
   */
  async startPush(body: unknown): Promise<StartPushReply> {
    const request = parsePushRequest(body);
    const active = this.#active;
    const env = await this.environment();
    const code = await evaluatePush(request, env, active);
    const push = await loadPush(code, env, this.#folder, (program) => this.#load(program));
    if (!request.forCodegen) checkEnvironment(push.tree);
    const before = await this.#schemasBefore(code);
    this.#pending.add({ code, env, dryRun: request.dryRun, push, base: active?.pushId ?? null, before });
    return startPushReply(code, push, env, before);
  }

  /** Makes the data ready for the push, and says how far that is. @throws INVALID_REQUEST, PUSH_OUTDATED */
  async waitForSchema(body: unknown): Promise<SchemaStatus> {
    const request = readWait(body);
    const pending = this.#pendingOf(request.schemaChange.pushId);
    const timeoutMs = Math.min(Math.max(0, request.timeoutMs), maxWaitMs);
    const untilMs = Date.now() + timeoutMs;
    const status = await this.#pending.schemasOf(pending).wait(timeoutMs);
    if (status.type !== "complete" || pending.dryRun) return status;
    return await aggregatesStatus(this.#pending.aggregatesOf(pending), untilMs - Date.now());
  }

  /**
   * Stores the code of a push and puts it in place; a dry run only says what that would change.
   * @throws INVALID_REQUEST, PUSH_OUTDATED, SCHEMA_NOT_SATISFIED, DESTRUCTIVE_CHANGE, MIGRATION_UNFINISHED, TRANSFORM_INVALID,
   *   TRANSFORM_REHEARSAL_FAILED, TRANSFORM_FAILED, AGGREGATE_BUILD_FAILED; nothing has changed then
   */
  async finishPush(body: unknown): Promise<PushDiff> {
    const request = readFinish(body);
    const pending = this.#pendingOf(request.startPush.schemaChange.pushId);
    const message = request.message ?? null;
    const dryRun = request.dryRun === true || pending.dryRun;
    return await this.#activator.inTurn(async () => {
      const schemas = this.#pending.schemasOf(pending);
      await schemas.whenReady();
      const code: ProgramCode = { ...pending.code, message, crons: cronTexts(pending.push) };
      const diff = pushDiff(this.#active, code);
      if (dryRun) return diff;
      await this.#activator.activate(pushed(pending.push.loaded, code), [
        { check: (tx) => this.#assertCurrent(tx, pending) },
        schemas,
        this.#pending.aggregatesOf(pending),
        { store: (tx) => this.#storeCode(tx, code) },
      ]);
      this.#pending.delete(code.pushId);
      return diff;
    });
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
    await this.#activator.inTurn(async () => {
      const active = this.#active;
      const store = (tx: MutationTransaction): Promise<void> => changeEnvironment(tx, changes);
      if (active === null) {
        await this.#database.mutate(store, { limits: null });
        return;
      }
      const env: Record<string, string> = { ...(await this.environment()) };
      for (const { name, value } of changes) {
        if (value === null) delete env[name];
        else env[name] = value;
      }
      const code = { ...active, auth: await evaluateAuth(active.definitions.get(""), env) };
      await this.#activateIn(env, code, [{ store }]);
    });
  }

  /**
   * For a server that has begun to listen: reads anew which providers `auth.config` names, and imports code anew that names
   * the server's addresses, which it may have read while it was imported. Where nothing is different, nothing is activated.
   * @throws MODULE_FAILED, AUTH_CONFIG_MISSING_ENVIRONMENT_VARIABLE; nothing has changed then
   */
  async updateAddresses(): Promise<void> {
    await this.#activator.inTurn(async () => {
      const active = this.#active;
      if (active === null) return;
      const env = await this.environment();
      const auth = await evaluateAuth(active.definitions.get(""), env);
      const hasRead = namesAddresses(active) && !isDeepStrictEqual(this.#addresses, serverAddresses());
      if (hasRead || !isDeepStrictEqual(auth, active.auth)) {
        await this.#activateIn(env, { ...active, auth }, []);
      }
    });
  }

  /** Calls the listener whenever other code, or the same in another environment, has begun to run; returns how to stop. */
  onActivated(listener: () => void): () => void {
    return this.#activator.onActivated(listener);
  }

  /** Forgets pushes that were not finished. Idempotent. */
  async close(): Promise<void> {
    this.#activator.close();
    await this.#pending.close();
  }

  /** Puts pushed code in place, imported anew in an environment. */
  async #activateIn(
    env: Environment,
    code: ProgramCode,
    before: readonly { store(tx: MutationTransaction): Promise<void> }[],
  ): Promise<void> {
    this.#addresses = serverAddresses();
    const { program } = buildProgram(code, env, this.#folder);
    const store = (tx: MutationTransaction): Promise<() => void> => this.#storeCode(tx, code);
    await this.#activator.activate(pushed(await this.#load(program), code), [...before, { store }]);
  }

  /** Imports a program without putting it in place. */
  async #load(program: ComponentProgram, options: LoadOptions = {}): Promise<LoadedProgram> {
    const { runtime, env } = this.#options;
    return await runtime.load({ ...program, env: { ...program.env, ...env } }, options);
  }

  /** Null when there was no push, or its code is lost. */
  async #loadStored(): Promise<ComponentProgram | null> {
    const { value } = await this.#database.query(
      async (tx) => ({ wanted: await neededPushes(tx), env: await readEnvironment(tx) }),
      { limits: null },
    );
    const { wanted, env } = value;
    const { active: code, retained, losses } = await readPrograms(this.#database, wanted);
    this.#losses = losses;
    for (const earlier of retained) {
      const { program } = buildProgram(earlier, env, this.#folder);
      const loaded = await this.#load(program, { moduleFailures: "defer" });
      this.#activator.addTransforms(pushed(loaded, earlier));
    }
    this.#active = code;
    return code === null ? null : buildProgram(code, env, this.#folder).program;
  }

  async #schemasBefore(code: ProgramCode): Promise<Schemas> {
    return await schemasInForce(this.#database, schemasOf(code).keys());
  }

  async #storeCode(tx: MutationTransaction, code: ProgramCode): Promise<() => void> {
    await storeProgram(tx, code, await neededPushes(tx));
    return () => {
      this.#active = code;
    };
  }

  #pendingOf(pushId: string): PendingPush {
    const pending = this.#pending.get(pushId);
    if (pending === undefined) throw new TrueupError("PUSH_OUTDATED");
    this.#assertBase(pending);
    return pending;
  }

  /** @throws PUSH_OUTDATED */
  async #assertCurrent(tx: MutationTransaction, pending: PendingPush): Promise<void> {
    this.#assertBase(pending);
    if (JSON.stringify(await readEnvironment(tx)) !== JSON.stringify(pending.env)) {
      throw new TrueupError("PUSH_OUTDATED", "Environment variables have changed since this push began.");
    }
  }

  #assertBase(pending: PendingPush): void {
    if (pending.base !== (this.#active?.pushId ?? null)) {
      throw new TrueupError("PUSH_OUTDATED", "Another push has been finished since this one began.");
    }
  }
}

function pushed(program: LoadedProgram, { pushId }: ProgramCode): OriginatedProgram {
  return { program, origin: { kind: "push", pushId } };
}

function ofModules(program: LoadedProgram): OriginatedProgram {
  return { program, origin: { kind: "modules" } };
}

function cronTexts({ loaded }: LoadedPush): ProgramCode["crons"] {
  const textsOf = (crons: Readonly<Record<string, unknown>>): Record<string, string> =>
    Object.fromEntries(Object.entries(crons).map(([name, spec]) => [name, JSON.stringify(spec)]));
  return Object.fromEntries([...loaded.components].map(([path, { crons }]) => [path, textsOf(crons)]));
}

function serverAddresses(): readonly (string | undefined)[] {
  return [...serverVariables].map((name) => process.env[name]);
}

/** Whether a module may read the server's addresses; `auth.config` is evaluated by itself. */
function namesAddresses({ definitions }: ProgramCode): boolean {
  const modules = [...definitions.values()].flatMap((definition) => definition.modules);
  return modules.some(
    ({ path, source }) => path !== authModule && [...serverVariables].some((name) => source.includes(name)),
  );
}
