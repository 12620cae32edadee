/**
 * A push, step by step: `startPush` evaluates and imports the code and puts nothing in place (code generation
 * ends there), `waitForSchema` makes the data ready, `finishPush` stores the code and puts it in place in one
 * transaction. Until then everything about the push is in memory only, so whatever happens before that commit,
 * the old program is there. One push is finished at a time; one that another has overtaken is refused.
 */
import type { Database, MutationTransaction } from "../database/index.js";
import { TrueupError } from "../errors/index.js";
import type { ComponentProgram, LoadedProgram } from "../functions/index.js";
import type { StandbyBuild } from "../integrity/index.js";
import { pushDiff, type PushDiff } from "./changes/push-diff.js";
import { evaluateSchemas, type SchemaEvaluation } from "./changes/schema-evaluation.js";
import { buildProgram } from "./code/build-program.js";
import { CodeFolder } from "./code/code-folder.js";
import { changeEnvironment, readEnvironment, type EnvironmentChange } from "./code/environment-store.js";
import { schemasOf, type ProgramCode, type Schemas } from "./code/program-code.js";
import { readPrograms, storeProgram } from "./code/program-store.js";
import { checkEnvironment, type Environment } from "./definitions/component-tree.js";
import { MigrationCalls, type MigrationRuntime } from "./pending/migration-calls.js";
import { evaluatePush } from "./push/evaluate-push.js";
import { checkCrons } from "./analysis/check-crons.js";
import { loadPush, type Load, type LoadedPush } from "./push/load-push.js";
import { PendingPushes } from "./push/pending-pushes.js";
import {
  schemaChange,
  startPushReply,
  type SchemaChange,
  type StartPushReply,
} from "./push/start-push-reply.js";
import { JsonReader } from "./request/json-reader.js";
import { parsePushRequest } from "./request/push-request.js";
import { schemasInForce } from "./schema/schemas-in-force.js";
import { waitForStandby } from "./push/wait-for-standby.js";
import { SchemaPreparation, type OriginatedProgram, type SchemaStatus } from "./schema/schema-preparation.js";
import { neededPushes } from "./steps/needed-pushes.js";
import { TransformFunctions, type ProgramOrigin } from "./steps/transform-functions.js";
import { Turns } from "./push/turns.js";

export interface DeployerOptions {
  readonly database: Database;
  /** Imports a program without putting it in place. */
  readonly load: Load;
  /** Puts a program in place in one transaction, of which `store` is the first part. */
  readonly activate: (
    program: ComponentProgram,
    store: (tx: MutationTransaction) => Promise<void>,
  ) => Promise<LoadedProgram>;
  /** Runs what migrations offer. */
  readonly runtime: MigrationRuntime;
  /** Begins to build the aggregates that a program changes beside those that answer. */
  readonly standby: (next: LoadedProgram) => StandbyBuild;
  /** Where code is written as files to be imported; left out, a temporary folder. */
  readonly codeFolder?: string;
}

/** What the CLI compares its bundles with. */
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

/** A push between its steps. */
interface Pending {
  readonly code: ProgramCode;
  readonly env: Environment;
  readonly dryRun: boolean;
  readonly push: LoadedPush;
  /** The push that ran when this one began. */
  readonly base: string | null;
  /** The schemas that were in force then. */
  readonly before: Schemas;
  preparation: SchemaPreparation | null;
  standby: StandbyBuild | null;
}

const maxWaitMs = 60_000;

export class Deployer {
  readonly #database: Database;
  readonly #options: DeployerOptions;
  readonly #folder: CodeFolder;
  readonly #pending = new PendingPushes<Pending>((pending) => this.#forget(pending));
  readonly #forgetting = new Set<Promise<void>>();
  /** What puts programs in place: one at a time. */
  readonly turns: Turns = new Turns();
  readonly #listeners = new Set<() => void>();
  readonly #functions: TransformFunctions;
  readonly #migrations: MigrationCalls;
  #active: ProgramCode | null = null;
  #running: OriginatedProgram | null = null;
  #losses: readonly TrueupError[] = [];

  constructor(options: DeployerOptions) {
    this.#database = options.database;
    this.#options = options;
    this.#functions = new TransformFunctions(options.database);
    this.#migrations = new MigrationCalls(options.database, options.runtime);
    this.#folder = new CodeFolder(options.codeFolder);
  }

  /**
   * The program that was pushed to this database last, to be activated as it is; null when there was none or it is lost. Its
   * code is written as files again where they are missing, and files of earlier programs are removed. Of those whose
   * transforms documents still need, the transforms are loaded.
   */
  async loadStored(): Promise<ComponentProgram | null> {
    const { value } = await this.#database.query(
      async (tx) => ({ wanted: await neededPushes(tx), env: await readEnvironment(tx) }),
      { limits: null },
    );
    const { wanted, env } = value;
    const { active: code, retained, losses } = await readPrograms(this.#database, wanted);
    this.#losses = losses;
    const current = code === null ? null : await buildProgram(code, env, this.#folder);
    const inUse = new Set(current?.folders);
    for (const earlier of retained) {
      const built = await buildProgram(earlier, env, this.#folder);
      for (const folder of built.folders) inUse.add(folder);
      const { pushId } = earlier;
      this.#functions.add({ kind: "push", pushId }, await this.#options.load(built.program, "defer"));
    }
    if (current === null) return null;
    await this.#folder.prune(inUse);
    this.#active = code;
    return current.program;
  }

  /** What `loadStored` could not read of the stored code, each with what to do about it. */
  get losses(): readonly TrueupError[] {
    return this.#losses;
  }

  /** The stored program, imported, is about to run again. */
  resumes(program: LoadedProgram): void {
    if (this.#active === null) throw new Error("no program is stored");
    this.#runs(program, { kind: "push", pushId: this.#active.pushId });
  }

  /**
   * Begins to make the data ready for a program that was not pushed. Call `runs` when it is in place.
   * @throws what `checkCrons` throws
   */
  async prepare(program: LoadedProgram): Promise<SchemaPreparation> {
    checkCrons(program);
    const after = new Map(
      [...program.components].map(([path, component]) => [path, component.program.schema]),
    );
    return new SchemaPreparation({
      database: this.#database,
      functions: this.#functions,
      runtime: this.#options.runtime,
      before: await schemasInForce(this.#database, after.keys()),
      after,
      next: { program, origin: { kind: "modules" } },
      running: this.#running,
      migrations: this.#migrations,
      isDryRun: false,
    });
  }

  /** A program that was not pushed is in place. */
  runs(program: LoadedProgram): void {
    this.#runs(program, { kind: "modules" });
    this.#tellActivated();
  }

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

  /** What the pushed schemas would do to the data. Imports no functions. */
  async evaluateSchema(body: unknown): Promise<SchemaEvaluation> {
    const code = await evaluatePush(parsePushRequest(body), await this.environment(), this.#active);
    return await evaluateSchemas(this.#database, await this.#schemasBefore(code), this.#active, code);
  }

  /** The changes of indexes that the push would bring. */
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
    const push = await loadPush(code, env, this.#folder, this.#options.load);
    if (!request.forCodegen) checkEnvironment(push.tree);
    const before = await this.#schemasBefore(code);
    const base = active?.pushId ?? null;
    const { dryRun } = request;
    const unprepared = { preparation: null, standby: null };
    this.#pending.add(code.pushId, { code, env, dryRun, push, base, before, ...unprepared });
    return startPushReply(code, push, env, before);
  }

  /** Makes the data ready for the push, and says how far that is. @throws INVALID_REQUEST, PUSH_OUTDATED */
  async waitForSchema(body: unknown): Promise<SchemaStatus> {
    const request = new JsonReader(body);
    const pending = this.#pendingOf(request.field("schemaChange"));
    const timeoutMs = Math.min(Math.max(0, request.field("timeoutMs").number()), maxWaitMs);
    const untilMs = Date.now() + timeoutMs;
    const status = await this.#prepare(pending).wait(timeoutMs);
    if (status.type !== "complete" || pending.dryRun) return status;
    return await waitForStandby(this.#standby(pending), untilMs - Date.now());
  }

  /**
   * Stores the code of a push and puts it in place; a dry run only says what that would change.
   * @throws INVALID_REQUEST, PUSH_OUTDATED, SCHEMA_NOT_SATISFIED, DESTRUCTIVE_CHANGE, MIGRATION_UNFINISHED, TRANSFORM_INVALID,
   *   TRANSFORM_REHEARSAL_FAILED, TRANSFORM_FAILED, AGGREGATE_BUILD_FAILED; nothing has changed then
   */
  async finishPush(body: unknown): Promise<PushDiff> {
    const request = new JsonReader(body);
    const pending = this.#pendingOf(request.field("startPush").field("schemaChange"));
    const message = request.field("message").optionalString() ?? null;
    const dryRun = request.field("dryRun").boolean() || pending.dryRun;
    return await this.turns.take(async () => {
      const preparation = this.#prepare(pending);
      await preparation.ready();
      const code: ProgramCode = { ...pending.code, message, crons: cronTexts(pending.push) };
      const diff = pushDiff(this.#active, code);
      if (dryRun) return diff;
      const standby = this.#standby(pending);
      await standby.ready();
      const store = async (
        tx: MutationTransaction,
        apply: (tx: MutationTransaction) => Promise<void>,
      ): Promise<void> => {
        this.#assertCurrent(pending, await readEnvironment(tx));
        await standby.putInPlace(tx, () => apply(tx));
        await storeProgram(tx, code, await neededPushes(tx));
        tx.afterCommit(() => {
          this.#active = code;
        });
      };
      const program = await preparation.activate((apply) =>
        this.#options.activate(pending.push.program, (tx) => store(tx, apply)),
      );
      this.#runs(program, { kind: "push", pushId: code.pushId });
      standby.takenOver();
      this.#pending.delete(code.pushId);
      this.#tellActivated();
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
   * @throws INVALID_ENVIRONMENT_VARIABLE, MODULE_FAILED; nothing has changed then
   */
  async updateEnvironment(changes: readonly EnvironmentChange[]): Promise<void> {
    await this.turns.take(async () => {
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
      const { program } = await buildProgram(active, env, this.#folder);
      this.#runs(await this.#options.activate(program, store), { kind: "push", pushId: active.pushId });
      this.#tellActivated();
    });
  }

  /** Calls the listener whenever other code, or the same in another environment, has begun to run. */
  onActivated(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Forgets pushes that were not finished, and removes temporary files. Idempotent. */
  async close(): Promise<void> {
    this.#pending.clear();
    await Promise.all(this.#forgetting);
    await this.#folder.close();
  }

  #tellActivated(): void {
    for (const listener of this.#listeners) listener();
  }

  async #schemasBefore(code: ProgramCode): Promise<Schemas> {
    return await schemasInForce(this.#database, schemasOf(code).keys());
  }

  #prepare(pending: Pending): SchemaPreparation {
    const { push } = pending;
    pending.preparation ??= new SchemaPreparation({
      database: this.#database,
      functions: this.#functions,
      runtime: this.#options.runtime,
      before: pending.before,
      after: schemasOf(pending.code),
      next: { program: push.loaded, origin: { kind: "push", pushId: pending.code.pushId }, anew: push.anew },
      running: this.#running,
      migrations: this.#migrations,
      isDryRun: pending.dryRun,
    });
    return pending.preparation;
  }

  #runs(program: LoadedProgram, origin: ProgramOrigin): void {
    this.#running = { program, origin };
    this.#functions.add(origin, program);
  }

  /** Only the latest push that gets this far is built for. */
  #standby(pending: Pending): StandbyBuild {
    if (pending.standby === null) {
      for (const other of this.#pending.all()) this.#forgetStandby(other);
      pending.standby = this.#options.standby(pending.push.loaded);
    }
    return pending.standby;
  }

  #forget(pending: Pending): void {
    // What cannot be left off now is left off when a program is next put in place.
    const leaving = (pending.preparation?.abandon() ?? Promise.resolve())
      .catch(() => {})
      .finally(() => this.#forgetting.delete(leaving));
    this.#forgetting.add(leaving);
    this.#forgetStandby(pending);
  }

  #forgetStandby({ standby }: Pending): void {
    if (standby === null) return;
    // What cannot be dropped now is dropped when the running program is next put in place.
    const closing = standby
      .close()
      .catch(() => {})
      .finally(() => this.#forgetting.delete(closing));
    this.#forgetting.add(closing);
  }

  #pendingOf(schemaChangeJson: JsonReader): Pending {
    const pending = this.#pending.get(schemaChangeJson.field("pushId").string());
    if (pending === undefined) throw new TrueupError("PUSH_OUTDATED");
    this.#assertBase(pending);
    return pending;
  }

  #assertCurrent(pending: Pending, env: Environment): void {
    this.#assertBase(pending);
    if (JSON.stringify(env) !== JSON.stringify(pending.env)) {
      throw new TrueupError("PUSH_OUTDATED", "Environment variables have changed since this push began.");
    }
  }

  #assertBase(pending: Pending): void {
    if (pending.base !== (this.#active?.pushId ?? null)) {
      throw new TrueupError("PUSH_OUTDATED", "Another push has been finished since this one began.");
    }
  }
}

function cronTexts({ loaded }: LoadedPush): ProgramCode["crons"] {
  const textsOf = (crons: Readonly<Record<string, unknown>>): Record<string, string> =>
    Object.fromEntries(Object.entries(crons).map(([name, spec]) => [name, JSON.stringify(spec)]));
  return Object.fromEntries([...loaded.components].map(([path, { crons }]) => [path, textsOf(crons)]));
}
