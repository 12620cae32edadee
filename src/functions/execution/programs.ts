/**
 * The programs that transactions of this process may see. Each commit names one in the head of the catalog, and whoever reads
 * that commit runs it: calls, and the aggregates and triggers that follow a write. So a program takes the place of another
 * in the very transaction that puts it there, in every process, and a commit that fails leaves the other one where it was.
 * While a deploy builds aggregates, the head also names the program to come that they are of.
 *
 * A program that a commit names and that cannot be loaded here is remembered with the reason: nothing runs in its place.
 */
import type {
  ChangeHook,
  Follower,
  Followers,
  HookResolver,
  MutationTransaction,
} from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import type { LoadedProgram } from "../program/loaded-program.js";
import { giveUpFollowers, joinHooks, type HooksOfTables } from "./follow-aggregates.js";

/** A program by the name that commits know it by. */
export interface NamedProgram {
  readonly name: string;
  readonly program: LoadedProgram;
}

interface Followed extends NamedProgram {
  /** Of its own aggregates and triggers. */
  readonly own: HooksOfTables;
  /** With those of aggregates that are built for a program to come, as they were named last. */
  all: HooksOfTables;
  followers: Followers | null;
}

/** The transaction of a call sees another program than the one that was about to run: the call begins again. */
export class ProgramReplaced extends Error {
  readonly by: string | null;

  constructor(by: string | null) {
    super("another program was put in place, which the call runs in");
    this.by = by;
  }
}

/** How hooks are made. */
export interface HookMaker {
  /** Of a program's own aggregates and triggers. */
  own(program: LoadedProgram): HooksOfTables;
  /** Of one aggregate of a program to come. */
  standby(program: LoadedProgram, follower: Follower): HooksOfTables;
}

/** How many are kept: transactions may still see those that were replaced a moment ago. */
const maxKept = 3;
const noHooks: readonly ChangeHook[] = [];

export class Programs {
  readonly #hooks: HookMaker;
  readonly #byName = new Map<string, Followed>();
  /** Programs to come. */
  readonly #coming = new Map<string, LoadedProgram>();
  readonly #failures = new Map<string, TrueupError>();
  /** Transactions that put a program in place. */
  readonly #replacing = new WeakSet<object>();
  #current: Followed | null = null;
  /** Why nothing runs: the newest program is another than `current`, and could not be loaded. */
  #refusal: TrueupError | null = null;

  constructor(hooks: HookMaker) {
    this.#hooks = hooks;
  }

  /** The one whose activation was the last to be heard of; null before the first. Calls begin with it. */
  get current(): NamedProgram | null {
    return this.#current;
  }

  /** Why calls are refused, whatever `current` is; null while they are not. */
  get refusal(): TrueupError | null {
    return this.#refusal;
  }

  /** Whether a program is loaded, to run or to follow. */
  has(name: string): boolean {
    return this.#byName.has(name) || this.#coming.has(name);
  }

  /** Why a program cannot be loaded; null when nobody has tried, or it is loaded. */
  failureOf(name: string): TrueupError | null {
    return this.#failures.get(name) ?? null;
  }

  /** The one that a commit names. @throws MODULES_MISSING for null; PROGRAM_NOT_LOADED */
  named(name: string | null): NamedProgram {
    if (name === null) throw new TrueupError("MODULES_MISSING");
    const found = this.#byName.get(name);
    if (found === undefined) throw this.#missing(name);
    return found;
  }

  /** Adds a program under the name by which transactions see it. */
  add(name: string, program: LoadedProgram): void {
    const own = this.#hooks.own(program);
    this.#failures.delete(name);
    this.#byName.set(name, { name, program, own, all: own, followers: null });
    dropOldest(this.#byName, this.#current?.name);
  }

  /** Adds a program to come, whose aggregates follow the writes of transactions that see it named. */
  addComing(name: string, program: LoadedProgram): void {
    this.#failures.delete(name);
    this.#coming.set(name, program);
    dropOldest(this.#coming);
  }

  /** Remembers that a program cannot be loaded. */
  fail(name: string, reason: unknown): void {
    this.#failures.set(name, notLoaded(name, reason));
    dropOldest(this.#failures);
  }

  /** Calls begin with this one from now on. @throws PROGRAM_NOT_LOADED, as every call then does until another takes its place */
  takeUp(name: string): void {
    const found = this.#byName.get(name);
    this.#refusal = found === undefined ? this.#missing(name) : null;
    if (found === undefined) throw this.#missing(name);
    this.#current = found;
  }

  /**
   * Notes that a transaction puts a program in place. If the one before it is not loaded, nothing follows its writes: it is
   * what mends that.
   */
  replaceIn(tx: MutationTransaction): void {
    this.#replacing.add(tx);
  }

  /** The hooks of a table in a transaction. @throws PROGRAM_NOT_LOADED */
  readonly hooksOf: HookResolver = (componentPath, tableName, tx) => {
    const { program, followers } = tx;
    if (program === null || tableName.startsWith("_")) return noHooks;
    const known = this.#byName.get(program);
    if (known === undefined) {
      if (this.#replacing.has(tx)) return noHooks;
      throw this.#missing(program);
    }
    const coming = followers === null || followers.failure !== undefined ? null : followers;
    const isLoaded = coming === null || this.#coming.has(coming.program);
    if (isLoaded && known.followers !== followers) this.#join(known, followers);
    const hooks = (isLoaded ? known.all : known.own).get(componentPath)?.get(tableName) ?? noHooks;
    const isMissed =
      !isLoaded &&
      coming?.aggregates.some((one) => one.componentPath === componentPath && one.table === tableName);
    return isMissed === true ? [...hooks, this.#giveUp] : hooks;
  };

  /** A write that an aggregate of a program to come cannot follow: the deploy has failed then, not the writer. */
  readonly #giveUp: ChangeHook = (tx) => {
    const { followers } = tx;
    if (followers !== null) giveUpFollowers(tx, followers, this.#missing(followers.program));
    return Promise.resolve();
  };

  #join(known: Followed, followers: Followers | null): void {
    const coming = followers === null ? undefined : this.#coming.get(followers.program);
    const aggregates = followers === null || followers.failure !== undefined ? [] : followers.aggregates;
    known.followers = followers;
    known.all =
      coming === undefined || aggregates.length === 0
        ? known.own
        : joinHooks([known.own, ...aggregates.map((follower) => this.#hooks.standby(coming, follower))]);
  }

  #missing(name: string): TrueupError {
    return this.#failures.get(name) ?? notLoaded(name, new Error("it is not stored"));
  }
}

function notLoaded(name: string, reason: unknown): TrueupError {
  const message = `This process cannot load the program that runs: ${messageOf(reason)}`;
  return new TrueupError("PROGRAM_NOT_LOADED", message, { program: name }, reason);
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function dropOldest(map: Map<string, unknown>, kept?: string): void {
  for (const name of map.keys()) {
    if (map.size <= maxKept) break;
    if (name !== kept) map.delete(name);
  }
}
