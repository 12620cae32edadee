/**
 * The sequence by which a program is put in place. Everyone who has a part in it is a participant of one list, and the list is
 * walked in its order: first each becomes ready, while calls go on; then one transaction lets each check that what it has
 * prepared still holds, and lets each write its part; when that has committed, each takes up what it has stored. Whatever
 * fails before the commit leaves the program before in place, and nothing of the new one.
 */
import type { Database, MutationTransaction } from "../database/index.js";
import { TrueupError } from "../errors/index.js";

/** Who has a part in putting a program in place. */
export interface Participant {
  /** Resolves when its part of the transaction can be made; takes as long as it needs, and changes nothing that calls see. */
  whenReady?(): Promise<void>;
  /**
   * The first part of the transaction, in which nobody has written anything yet: whether what was prepared still holds.
   * @throws PreparationOutdated when it has to be prepared again, or what refuses the program
   */
  check?(tx: MutationTransaction): Promise<void>;
  /**
   * Writes its part. What it resolves with is called once the transaction has committed: from then on the participant goes by
   * the new program. @throws PreparationOutdated, or what refuses the program
   */
  store?(tx: MutationTransaction): Promise<TakeUp | void>;
  /** Begins again to become ready. */
  prepareAgain?(): void;
  /** Leaves off what it has prepared, unless that is in place. Idempotent. */
  abandon?(): Promise<void>;
}

export type TakeUp = () => void | Promise<void>;

/** What was prepared is no longer what is needed; preparing it again mends that. */
export class PreparationOutdated extends Error {
  constructor(message: string = "The data has changed since the deploy was prepared.") {
    super(message);
  }
}

const maxAttempts = 5;

/**
 * Puts a program in place. When something has come in between, what was prepared is prepared again, a few times.
 * @throws whatever a participant throws; PUSH_OUTDATED when something comes in between every time
 */
export async function activate(database: Database, participants: readonly Participant[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    for (const each of participants) await each.whenReady?.();
    try {
      const takeUps = await store(database, participants);
      for (const takeUp of takeUps) await takeUp();
      return;
    } catch (error) {
      if (!(error instanceof PreparationOutdated)) throw error;
      if (attempt === maxAttempts) throw new TrueupError("PUSH_OUTDATED", error.message);
      for (const each of participants) each.prepareAgain?.();
    }
  }
}

/** The one transaction; what is to be called when it has committed. */
async function store(database: Database, participants: readonly Participant[]): Promise<readonly TakeUp[]> {
  const { value: takeUps } = await database.mutate(
    async (tx) => {
      for (const each of participants) await each.check?.(tx);
      const stored: TakeUp[] = [];
      for (const each of participants) stored.push((await each.store?.(tx)) ?? (() => {}));
      return stored;
    },
    { limits: null },
  );
  return takeUps;
}

/**
 * Leaves off what participants have prepared. What cannot be left off now, because the storage fails, is left off when a
 * program is next put in place.
 */
export async function abandon(participants: readonly Participant[]): Promise<void> {
  for (const each of participants) {
    try {
      await each.abandon?.();
    } catch {
      // See above.
    }
  }
}
