/**
 * Has every push carried out by one process. Where several share the data, the steps of a push may reach any of them, but what
 * makes the data ready is in the memory of one: of the one that holds the lease of deploys. The others write down what they were
 * asked for in the row of the push, and answer with what that process writes there. When it dies, the next one to hold the
 * lease finds what was asked for, and does it from the beginning.
 */
import { randomUUID } from "node:crypto";
import type { Database, DatabaseCommit } from "../../database/index.js";
import { isErrorCode, isTrueupError, TrueupError } from "../../errors/index.js";
import { WorkLoop, type Owner } from "../../work/index.js";
import { proposedTable, readTalk, readTalks, say, type PushTalk } from "../code/proposed-pushes.js";
import type { SchemaStatus } from "../preparation/schema-status.js";
import type { PushDiff } from "./push-diff.js";

/** How a push is to be finished. */
export interface Finish {
  readonly message: string | null;
  readonly dryRun: boolean;
}

/** What carries out a push in this process. */
export interface PushSteps {
  wait(pushId: string, timeoutMs: number): Promise<SchemaStatus>;
  /** @param concluded What the transaction that finishes the push writes as its outcome; left out, it forgets the push. */
  finish(pushId: string, finish: Finish, concluded?: (diff: PushDiff) => string): Promise<PushDiff>;
  /** Whether this process makes the data ready for the push. */
  isAtWork(pushId: string): boolean;
  /** Drops what was prepared for a push that no process carries out any more. */
  leaveOff(pushId: string): Promise<void>;
}

type Asked = { readonly id: string } & (
  | { readonly kind: "wait" }
  | { readonly kind: "finish"; readonly finish: Finish }
);

/** The end of what was asked for under an id. */
interface Answer<T> {
  readonly id: string;
  readonly value?: T;
  readonly error?: { readonly code: string; readonly message: string; readonly details: object };
}

/** News may also fail to come: what is said is looked at again after this time. */
const maxSilenceMs = 5_000;
/** How long the process that deploys waits before it says anew how far a push is. */
const tellEveryMs = 500;
const retryMs = 1_000;

export class PushRelay {
  readonly #database: Database;
  readonly #owner: Owner;
  readonly #steps: PushSteps;
  readonly #stopListening: () => void;
  /** What this process has begun to carry out, by push. */
  readonly #begun = new Map<string, string>();
  readonly #running = new Set<Promise<void>>();
  readonly #loop: WorkLoop;
  #isDue = true;
  #isClosed = false;

  constructor(database: Database, owner: Owner, steps: PushSteps) {
    this.#database = database;
    this.#owner = owner;
    this.#steps = steps;
    this.#stopListening = database.onCommit((commit) => {
      if (isOfPushes(commit)) this.#look();
    });
    this.#loop = new WorkLoop(
      {
        nextAtMs: () => (this.#isDue ? 0 : Infinity),
        step: () => this.#step(),
        retryAfterMs: () => retryMs,
      },
      { owner },
    );
  }

  /** Begins to carry out what other processes are asked for, whenever the lease is held. */
  start(): void {
    this.#loop.start();
  }

  /** Ends what is under way. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopListening();
    await this.#loop.stop();
    await Promise.all(this.#running);
  }

  /** How far a push is, waiting for its end no longer than the time given. @throws PUSH_OUTDATED */
  async wait(pushId: string, timeoutMs: number): Promise<SchemaStatus> {
    if (this.#owner.holds()) return await this.#steps.wait(pushId, timeoutMs);
    const asked = await this.#ask(pushId, { id: randomUUID(), kind: "wait" });
    const { status } = await this.#until(pushId, timeoutMs, ({ status: said }) => {
      const answer = answerOf<SchemaStatus>(said, asked.id);
      return answer?.error !== undefined || (answer?.value !== undefined && !isUnderWay(answer.value));
    });
    const answer = answerOf<SchemaStatus>(status, asked.id);
    return answer === null ? { type: "inProgress", components: {} } : valueOf(answer);
  }

  /** Finishes a push. @throws PUSH_OUTDATED, and whatever finishing throws */
  async finish(pushId: string, finish: Finish): Promise<PushDiff> {
    if (this.#owner.holds()) return await this.#steps.finish(pushId, finish);
    const asked = await this.#ask(pushId, { id: randomUUID(), kind: "finish", finish });
    const { outcome } = await this.#until(
      pushId,
      Infinity,
      ({ outcome: said }) => answerOf(said, asked.id) !== null,
    );
    const answer = answerOf<PushDiff>(outcome, asked.id);
    if (answer === null) throw new TrueupError("PUSH_OUTDATED");
    return valueOf(answer);
  }

  /** Whoever asks to wait while somebody waits already gets the same answer. @throws PUSH_OUTDATED */
  async #ask(pushId: string, asked: Asked): Promise<Asked> {
    const { value } = await this.#database.mutate(
      async (tx) => {
        const talk = await readTalk(tx, pushId);
        if (talk === null) throw new TrueupError("PUSH_OUTDATED");
        const known = talk.asked === null ? null : (JSON.parse(talk.asked) as Asked);
        const isWaited = known?.kind === "wait" && asked.kind === "wait";
        if (isWaited && answerOf(talk.status, known.id)?.error === undefined) return known;
        await say(tx, pushId, { asked: JSON.stringify(asked) });
        return asked;
      },
      { limits: null },
    );
    return value;
  }

  /** What is said of a push, once that is so or the time is over. @throws PUSH_OUTDATED */
  async #until(pushId: string, timeoutMs: number, isSo: (talk: PushTalk) => boolean): Promise<PushTalk> {
    const untilMs = performance.now() + timeoutMs;
    for (;;) {
      const news = this.#nextNews(untilMs);
      const { value: talk } = await this.#database.query((tx) => readTalk(tx, pushId), { limits: null });
      if (talk === null) throw new TrueupError("PUSH_OUTDATED");
      if (isSo(talk) || performance.now() >= untilMs) return talk;
      await news;
    }
  }

  /** Resolves after the next commit that says something of pushes, or when the time is over. */
  #nextNews(untilMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        stop();
        resolve();
      };
      const stop = this.#database.onCommit((commit) => {
        if (isOfPushes(commit)) end();
      });
      const timer = setTimeout(end, Math.min(Math.max(0, untilMs - performance.now()), maxSilenceMs));
    });
  }

  #look(): void {
    this.#isDue = true;
    this.#loop.wake();
  }

  async #step(): Promise<void> {
    this.#isDue = false;
    const { value: talks } = await this.#database.query((tx) => readTalks(tx), { limits: null });
    for (const [pushId, { asked }] of talks) {
      // Whoever was asked for it here has died, and comes back with nothing of what was prepared.
      if (asked === null && !this.#steps.isAtWork(pushId)) await this.#steps.leaveOff(pushId);
    }
    for (const [pushId, { asked: text, outcome }] of talks) {
      if (text === null) continue;
      const asked = JSON.parse(text) as Asked;
      if (this.#begun.get(pushId) === asked.id || answerOf(outcome, asked.id) !== null) continue;
      this.#begun.set(pushId, asked.id);
      const running = this.#carryOut(pushId, asked)
        .catch((error: unknown) => {
          this.#begun.delete(pushId);
          this.#isDue = true;
          this.#loop.fail(error);
        })
        .finally(() => this.#running.delete(running));
      this.#running.add(running);
    }
    for (const pushId of this.#begun.keys()) if (!talks.has(pushId)) this.#begun.delete(pushId);
  }

  async #carryOut(pushId: string, asked: Asked): Promise<void> {
    const { id } = asked;
    if (asked.kind === "finish") {
      const concluded = (value: PushDiff): string => JSON.stringify({ id, value } satisfies Answer<PushDiff>);
      const outcome = await answerTo(id, () => this.#steps.finish(pushId, asked.finish, concluded));
      await this.#say(pushId, { outcome });
      return;
    }
    let said = "";
    while (!this.#isClosed && this.#owner.holds() && this.#begun.get(pushId) === id) {
      const status = await answerTo(id, () => this.#steps.wait(pushId, tellEveryMs));
      if (status !== said) await this.#say(pushId, { status });
      said = status;
      const { value, error } = JSON.parse(status) as Answer<SchemaStatus>;
      if (error !== undefined || value === undefined || !isUnderWay(value)) return;
    }
  }

  async #say(pushId: string, said: Partial<PushTalk>): Promise<void> {
    await this.#database.mutate((tx) => say(tx, pushId, said), { limits: null });
  }
}

function isOfPushes({ tables }: DatabaseCommit): boolean {
  return tables.some(({ componentPath, tableName }) => componentPath === "" && tableName === proposedTable);
}

function isUnderWay({ type }: SchemaStatus): boolean {
  return type === "inProgress";
}

async function answerTo<T>(id: string, run: () => Promise<T>): Promise<string> {
  try {
    return JSON.stringify({ id, value: await run() } satisfies Answer<T>);
  } catch (error) {
    // What the storage could not do is tried again; everything else is the answer.
    if (!isTrueupError(error) || error.code.startsWith("STORAGE_")) throw error;
    const { code, message, details } = error;
    return JSON.stringify({ id, error: { code, message, details } } satisfies Answer<T>);
  }
}

function answerOf<T>(text: string | null, id: string): Answer<T> | null {
  if (text === null) return null;
  const answer = JSON.parse(text) as Answer<T>;
  return answer.id === id ? answer : null;
}

/** @throws what was answered with */
function valueOf<T>({ value, error }: Answer<T>): T {
  if (value !== undefined) return value;
  const { code = "PUSH_OUTDATED", message = "", details = {} } = error ?? {};
  throw new TrueupError(isErrorCode(code) ? code : "PUSH_OUTDATED", message, { ...details });
}
