/**
 * The steps of a push. It is evaluated and imported once, when it begins, and stored as it was evaluated; whichever process is
 * asked for a later step finds it in its memory or in the data. Only the process that deploys makes the data ready for a push
 * and puts it in place, in one transaction that finds the code it was based on still there.
 */
import type { Database, MutationTransaction } from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import type { Activator } from "../activator.js";
import { readEnvironment } from "../code/environment-store.js";
import type { CodeInForce } from "../code/code-in-force.js";
import { schemasOf, type ProgramCode, type Schemas } from "../code/program-code.js";
import { codeText, codeTextOf } from "../code/program-names.js";
import { storeProgram } from "../code/program-store.js";
import { proposePush, readProposed, say, withdraw } from "../code/proposed-pushes.js";
import { checkEnvironment } from "../definitions/component-tree.js";
import { schemasInForce } from "../preparation/data-in-force.js";
import { aggregatesStatus, type SchemaStatus } from "../preparation/schema-status.js";
import { neededPushes } from "../steps/transform-functions.js";
import { evaluatePush } from "./evaluate-push.js";
import { loadPush, type Load, type LoadedPush } from "./load-push.js";
import { originated, PendingPushes, type PendingPush } from "./pending-pushes.js";
import { pushDiff, type PushDiff } from "./push-diff.js";
import type { Finish, PushSteps } from "./push-relay.js";
import type { PushRequest } from "./push-request.js";
import { startPushReply, type StartPushReply } from "./start-push-reply.js";

export interface PushesOptions {
  readonly database: Database;
  readonly activator: Activator;
  readonly inForce: CodeInForce;
  readonly load: Load;
  /** Where code is thought to lie. */
  readonly folder: string;
}

export class Pushes implements PushSteps {
  readonly #options: PushesOptions;
  readonly #pending: PendingPushes;

  constructor(options: PushesOptions) {
    this.#options = options;
    this.#pending = new PendingPushes(options.activator);
  }

  /** Evaluates and imports a push, and keeps it for the steps to come. @throws what `Deployer.startPush` throws */
  async start(request: PushRequest): Promise<StartPushReply> {
    const { database, inForce, folder, load } = this.#options;
    const { code: active, env, base } = await inForce.read();
    const code = await evaluatePush(request, env, active);
    const push = await loadPush(code, env, folder, load);
    if (!request.forCodegen) checkEnvironment(push.tree);
    const before = await this.schemasBefore(code);
    const pending: PendingPush = { code, env, dryRun: request.dryRun, push, base, before };
    // Code generation goes no further.
    if (!request.forCodegen) await database.mutate((tx) => proposePush(tx, pending), { limits: null });
    this.#pending.add(pending);
    return startPushReply(code, push, env, before);
  }

  async wait(pushId: string, timeoutMs: number): Promise<SchemaStatus> {
    const pending = await this.#pendingOf(pushId);
    const untilMs = Date.now() + timeoutMs;
    const status = await this.#pending.schemasOf(pending).wait(timeoutMs);
    if (status.type !== "complete" || pending.dryRun) return status;
    return await aggregatesStatus(this.#pending.aggregatesOf(pending), untilMs - Date.now());
  }

  async finish(pushId: string, finish: Finish, concluded?: (diff: PushDiff) => string): Promise<PushDiff> {
    const { activator, inForce } = this.#options;
    const pending = await this.#pendingOf(pushId);
    return await activator.inTurn(async () => {
      const schemas = this.#pending.schemasOf(pending);
      await schemas.whenReady();
      const code: ProgramCode = { ...pending.code, message: finish.message, crons: cronTexts(pending.push) };
      const diff = pushDiff((await inForce.read()).code, code);
      if (finish.dryRun || pending.dryRun) return diff;
      await activator.activate(originated(pending), [
        { check: (tx) => assertCurrent(tx, pending) },
        schemas,
        this.#pending.aggregatesOf(pending),
        {
          store: async (tx) => {
            if (concluded === undefined) await withdraw(tx, pushId);
            else await say(tx, pushId, { outcome: concluded(diff) });
            await storeProgram(tx, code, await neededPushes(tx));
          },
        },
      ]);
      this.#pending.delete(pushId);
      return diff;
    });
  }

  isAtWork(pushId: string): boolean {
    return this.#pending.get(pushId) !== undefined;
  }

  async leaveOff(pushId: string): Promise<void> {
    await this.#options.activator.leaveOff(codeText({ kind: "push", pushId }));
  }

  /** The schemas that the program of a push would take the place of. */
  async schemasBefore(code: ProgramCode): Promise<Schemas> {
    return await schemasInForce(this.#options.database, schemasOf(code).keys());
  }

  /** Forgets what this process has begun. Idempotent. */
  async close(): Promise<void> {
    await this.#pending.close();
  }

  /** @throws PUSH_OUTDATED */
  async #pendingOf(pushId: string): Promise<PendingPush> {
    const { base } = await this.#options.inForce.read();
    const pending = this.#pending.get(pushId) ?? (await this.#loadStored(pushId));
    if (pending.base !== base) throw outdated();
    return pending;
  }

  async #loadStored(pushId: string): Promise<PendingPush> {
    const { database, folder, load } = this.#options;
    const { value: stored } = await database.query((tx) => readProposed(tx, pushId), { limits: null });
    if (stored === null) throw new TrueupError("PUSH_OUTDATED");
    const push = await loadPush(stored.code, stored.env, folder, load);
    const known = this.#pending.get(pushId);
    if (known !== undefined) return known;
    const pending: PendingPush = { ...stored, push };
    this.#pending.add(pending);
    return pending;
  }
}

/** @throws PUSH_OUTDATED */
async function assertCurrent(tx: MutationTransaction, { base, env }: PendingPush): Promise<void> {
  if (codeTextOf(tx.program) !== base) throw outdated();
  if (JSON.stringify(await readEnvironment(tx)) !== JSON.stringify(env)) {
    throw new TrueupError("PUSH_OUTDATED", "Environment variables have changed since this push began.");
  }
}

function outdated(): TrueupError {
  return new TrueupError("PUSH_OUTDATED", "Another push has been finished since this one began.");
}

function cronTexts({ loaded }: LoadedPush): ProgramCode["crons"] {
  const textsOf = (crons: Readonly<Record<string, unknown>>): Record<string, string> =>
    Object.fromEntries(Object.entries(crons).map(([name, spec]) => [name, JSON.stringify(spec)]));
  return Object.fromEntries([...loaded.components].map(([path, { crons }]) => [path, textsOf(crons)]));
}
