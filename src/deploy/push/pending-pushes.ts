/**
 * Pushes that were begun and not finished and that this process has loaded, each with what makes the data ready for it. Most
 * will never be finished: code generation begins one each time. So only the latest few are kept, and what a forgotten one has
 * prepared is left off.
 */
import type { StandbyBuild } from "../../integrity/index.js";
import { TrueupError } from "../../errors/index.js";
import { abandon, type Participant } from "../activation.js";
import type { Activator } from "../activator.js";
import { schemasOf } from "../code/program-code.js";
import type { ProposedPush } from "../code/proposed-pushes.js";
import type { SchemaPreparation } from "../preparation/schema-preparation.js";
import type { OriginatedProgram } from "../steps/transform-functions.js";
import type { LoadedPush } from "./load-push.js";

/** A push between its steps. */
export interface PendingPush extends ProposedPush {
  readonly push: LoadedPush;
}

interface Kept {
  readonly pending: PendingPush;
  /** Each is null before anybody has asked for it. */
  schemas: SchemaPreparation | null;
  aggregates: StandbyBuild | null;
}

const maxPending = 4;

export class PendingPushes {
  readonly #activator: Activator;
  /** By the ids of the pushes, in the order they began. */
  readonly #kept = new Map<string, Kept>();
  readonly #abandoning = new Set<Promise<void>>();

  constructor(activator: Activator) {
    this.#activator = activator;
  }

  add(pending: PendingPush): void {
    this.#kept.set(pending.code.pushId, { pending, schemas: null, aggregates: null });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= maxPending) break;
      this.delete(oldest);
    }
  }

  get(pushId: string): PendingPush | undefined {
    return this.#kept.get(pushId)?.pending;
  }

  /** What makes the data ready for the schemas of a push; begins with that when it is asked for first. @throws PUSH_OUTDATED */
  schemasOf({ code, push, before, dryRun }: PendingPush): SchemaPreparation {
    const kept = this.#find(code.pushId);
    kept.schemas ??= this.#activator.prepareSchemas(
      { ...originated(kept.pending), anew: push.anew },
      { before, after: schemasOf(code) },
      dryRun,
    );
    return kept.schemas;
  }

  /** The aggregates that a push changes. They are built only for the latest push that gets this far. @throws PUSH_OUTDATED */
  aggregatesOf({ code }: PendingPush): StandbyBuild {
    const kept = this.#find(code.pushId);
    if (kept.aggregates === null) {
      for (const { aggregates } of this.#kept.values()) this.#abandon(aggregates);
      kept.aggregates = this.#activator.aggregatesBeside(originated(kept.pending));
    }
    return kept.aggregates;
  }

  /** Forgets a push that is finished, or is not going to be. */
  delete(pushId: string): void {
    const kept = this.#kept.get(pushId);
    this.#kept.delete(pushId);
    if (kept !== undefined) this.#abandon(kept.schemas, kept.aggregates);
  }

  /** Forgets all of them. Idempotent. */
  async close(): Promise<void> {
    for (const pushId of this.#kept.keys()) this.delete(pushId);
    await Promise.all(this.#abandoning);
  }

  #find(pushId: string): Kept {
    const kept = this.#kept.get(pushId);
    if (kept === undefined) throw new TrueupError("PUSH_OUTDATED");
    return kept;
  }

  #abandon(...participants: readonly (Participant | null)[]): void {
    const abandoning = abandon(participants.filter((each) => each !== null)).finally(() =>
      this.#abandoning.delete(abandoning),
    );
    this.#abandoning.add(abandoning);
  }
}

/** The program of a push, and that it is of this push. */
export function originated({ code: { pushId }, push }: PendingPush): OriginatedProgram {
  return { program: push.loaded, origin: { kind: "push", pushId } };
}
