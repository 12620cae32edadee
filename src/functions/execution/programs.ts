/**
 * The programs that transactions of this process may see. Each commit names one in the head of the catalog, and whoever reads
 * that commit runs it: calls, and the aggregates and triggers that follow a write. So a program takes the place of another
 * in the very transaction that puts it there, and a commit that fails leaves the other one where it was.
 */
import { randomUUID } from "node:crypto";
import type { ChangeHook } from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import type { LoadedProgram } from "../program/loaded-program.js";
import { joinHooks, type HooksOfTables } from "./follow-aggregates.js";

/** A program by the name that commits know it by. */
export interface NamedProgram {
  readonly name: string;
  readonly program: LoadedProgram;
}

interface Followed extends NamedProgram {
  /** Of its own aggregates and triggers. */
  readonly own: HooksOfTables;
  /** With those of aggregates that are built for a program to come. */
  all: HooksOfTables;
}

/** The transaction of a call sees another program than the one that was about to run: the call begins again. */
export class ProgramReplaced extends Error {
  readonly by: string | null;

  constructor(by: string | null) {
    super("another program was put in place, which the call runs in");
    this.by = by;
  }
}

/** How many are kept: transactions may still see those that were replaced a moment ago. */
const maxKept = 3;
const noHooks: readonly ChangeHook[] = [];

export class Programs {
  readonly #byName = new Map<string, Followed>();
  /** Of aggregates that are built for a program to come. */
  readonly #standbys = new Set<HooksOfTables>();
  /** The one whose activation was the last to become durable; null before the first. Calls begin with it. */
  current: NamedProgram | null = null;

  /** The one that a commit names. @throws MODULES_MISSING when no such program was loaded in this process */
  named(name: string | null): NamedProgram {
    const found = name === null ? undefined : this.#byName.get(name);
    if (found === undefined) throw new TrueupError("MODULES_MISSING");
    return found;
  }

  /** Gives a program the name by which transactions are going to see it. */
  add(program: LoadedProgram, own: HooksOfTables): NamedProgram {
    const added: Followed = { name: randomUUID(), program, own, all: joinHooks([own, ...this.#standbys]) };
    this.#byName.set(added.name, added);
    for (const name of this.#byName.keys()) {
      if (this.#byName.size <= maxKept) break;
      if (name !== this.current?.name) this.#byName.delete(name);
    }
    return added;
  }

  /** Has these hooks follow every write, too; returns how to stop. */
  follow(hooks: HooksOfTables): () => void {
    this.#standbys.add(hooks);
    this.#join();
    return () => {
      this.#standbys.delete(hooks);
      this.#join();
    };
  }

  /** The hooks of a table in transactions that see the program of this name. */
  hooksOf(name: string | null, componentPath: string, tableName: string): readonly ChangeHook[] {
    if (name === null) return noHooks;
    return this.#byName.get(name)?.all.get(componentPath)?.get(tableName) ?? noHooks;
  }

  #join(): void {
    for (const each of this.#byName.values()) each.all = joinHooks([each.own, ...this.#standbys]);
  }
}
