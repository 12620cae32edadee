/**
 * Decides which tables a deploy gives other names. Declared renames that were not made yet are made, in whatever order lets
 * each find its table, or together where tables take each other's names. Renames that are no longer declared are taken back
 * where the schema has an old name again and not the new one. However many renames that takes, a table changes its name
 * once. A rename that cannot be made refuses the deploy, and is named with the reason.
 */
import { TrueupError } from "../../errors/index.js";
import type { Exported } from "../../functions/index.js";
import type { DeclaredTableRename } from "../../seams/index.js";
import { findTable } from "../../schema/index.js";
import { exportOf } from "./known-transforms.js";
import type { AppliedRename } from "./step-history.js";
import type { StepsInput, TableRename } from "./steps-input.js";

export interface TableRenames {
  /** What tables are called now and what they will be called; all change in one go. */
  readonly now: readonly TableRename[];
  /** Empty tables that have a name which another table takes. */
  readonly makeWay: readonly string[];
  readonly history: readonly AppliedRename[];
}

/** One change of a name. */
interface Move extends TableRename {
  /** The rename that says so, or that is taken back. */
  readonly name: string;
  readonly isBack: boolean;
}

/** Renames to make, forth and back, and the history of renames then. O(renames²). @throws TRANSFORM_INVALID */
export function tableRenames(input: StepsInput): TableRenames {
  const past = input.history.filter((step) => step.kind === "renameTable");
  const { known, fresh } = knownRenames(past, input.next.declarations.tableRenames);
  const names = new TableNames(input);
  const back = takenBack(past, known, names);
  const moves = [
    ...back.moves,
    ...fresh.map(({ name, declared: { from, to } }) => ({ name, from, to, isBack: false })),
  ];
  const made = names.make(moves);
  const record = ({ name, from, to }: TableRename & { name: string }): AppliedRename => ({
    kind: "renameTable",
    componentPath: input.componentPath,
    name,
    from,
    to,
    appliedAtMs: 0,
  });
  const unmade = moves.filter((move) => !made.includes(move));
  return {
    now: names.changes(),
    makeWay: names.makeWay,
    history: [
      ...past.filter((step) => !back.steps.has(step)),
      // Where there is nothing to rename, the data began with the new name.
      ...[...made, ...unmade].filter(({ isBack }) => !isBack).map(record),
    ],
  };
}

/** Finds the export of each rename that was made: by its name, or in another module. The same two names may come again. */
function knownRenames(
  past: readonly AppliedRename[],
  exported: readonly Exported<DeclaredTableRename>[],
): { readonly known: ReadonlySet<AppliedRename>; readonly fresh: readonly Exported<DeclaredTableRename>[] } {
  const known = new Set<AppliedRename>();
  const fresh = new Set(exported);
  for (const isSameName of [
    (a: string, b: string) => a === b,
    (a: string, b: string) => exportOf(a) === exportOf(b),
  ]) {
    for (const step of past.filter((each) => !known.has(each))) {
      const found = [...fresh].find(
        ({ name, declared: { from, to } }) =>
          from === step.from && to === step.to && isSameName(name, step.name),
      );
      if (found === undefined) continue;
      known.add(step);
      fresh.delete(found);
    }
  }
  return { known, fresh: [...fresh] };
}

/** Leads each table that the schema does not name back along renames that are gone, to the nearest name that the schema has. */
function takenBack(
  past: readonly AppliedRename[],
  known: ReadonlySet<AppliedRename>,
  names: TableNames,
): { readonly moves: readonly Move[]; readonly steps: ReadonlySet<AppliedRename> } {
  const moves: Move[] = [];
  const steps = new Set<AppliedRename>();
  for (const table of names.unnamed()) {
    const way: AppliedRename[] = [];
    let name = table;
    for (const step of past.toReversed()) {
      if (step.to !== name) continue;
      if (known.has(step)) break;
      way.push(step);
      name = step.from;
      if (!names.isInSchema(name)) continue;
      for (const each of way) steps.add(each);
      moves.push({ name: step.name, from: table, to: name, isBack: true });
      break;
    }
  }
  return { moves, steps };
}

/** The names of a component's tables while renames are made. */
class TableNames {
  readonly #input: StepsInput;
  /** From the names that tables have by now to those that they have in the storage. */
  readonly #stored = new Map<string, string>();
  /** Tables that are empty and that no schema has: for everyone else they are not there. */
  readonly #forgotten = new Set<string>();
  readonly makeWay: string[] = [];

  constructor(input: StepsInput) {
    this.#input = input;
    for (const [table, documents] of input.documents) {
      const isKnown = input.before !== null && findTable(input.before, table) !== undefined;
      if (documents > 0 || isKnown) this.#stored.set(table, table);
      else this.#forgotten.add(table);
    }
  }

  isInSchema(table: string): boolean {
    const { after } = this.#input;
    return after !== null && findTable(after, table) !== undefined;
  }

  unnamed(): string[] {
    return [...this.#stored.keys()].filter((table) => !this.isInSchema(table));
  }

  /** Makes the moves that can be made, and leaves out those that have no table to rename. @throws TRANSFORM_INVALID */
  make(moves: readonly Move[]): readonly Move[] {
    const left = new Set(moves);
    const made: Move[] = [];
    for (;;) {
      const next = this.#next([...left]);
      if (next.length === 0) break;
      this.#move(next);
      for (const move of next) left.delete(move);
      made.push(...next);
    }
    const problems = [
      ...[...left].flatMap((move) => this.#blocked(move) ?? []),
      ...made.flatMap((move) => this.#misplaced(move, made) ?? []),
    ];
    if (problems.length === 0) return made;
    throw new TrueupError("TRANSFORM_INVALID", problems.map(({ message }) => message).join("\n"), {
      renames: problems.map(({ move: { name, from, to } }) => ({ name, from, to })),
    });
  }

  changes(): TableRename[] {
    return [...this.#stored].flatMap(([to, from]) => (from === to ? [] : [{ from, to }]));
  }

  /** The moves to make next: one whose new name is free, else a circle of tables, else one to the name of an empty table. */
  #next(left: readonly Move[]): readonly Move[] {
    const movable = left.filter(({ from, to }) => this.#stored.has(from) && from !== to);
    const free = movable.find(({ to }) => !this.#stored.has(to));
    if (free !== undefined) return [free];
    for (const move of movable) {
      const circle = circleFrom(move, movable);
      if (circle !== null) return circle;
    }
    const overEmpty = movable.find(
      ({ from, to }) => this.#documentsOf(from) > 0 && this.#documentsOf(to) === 0,
    );
    return overEmpty === undefined ? [] : [overEmpty];
  }

  #move(moves: readonly Move[]): void {
    const stored = moves.map(({ from }) => this.#stored.get(from) ?? from);
    for (const { from } of moves) this.#stored.delete(from);
    for (const [at, { to }] of moves.entries()) {
      const taken = this.#stored.get(to) ?? (this.#forgotten.delete(to) ? to : undefined);
      if (taken !== undefined) this.makeWay.push(taken);
      this.#stored.set(to, stored[at] ?? to);
    }
  }

  /** Why a rename that has a table with documents was not made. */
  #blocked(move: Move): Problem | null {
    const { name, from, to, isBack } = move;
    if (!this.#stored.has(from) || this.#documentsOf(from) === 0) return null;
    const counted = countText(this.#documentsOf(to));
    const message = isBack
      ? `The table "${from}" would take its old name "${to}" again, as ${name} is not exported any more, but there is another table "${to}" with ${counted}. ` +
        `Give that one another name with this deploy, which the schema has too (\`export const aside = migrations.renameTable({ from: "${to}", to: "..." });\`), ` +
        `or delete its documents first, or export ${name} again and keep "${from}" in the schema.`
      : `${name} renames the table "${from}" to "${to}", but "${to}" has documents already: ${counted}.`;
    return { move, message };
  }

  /** What is wrong with a rename that was made, in view of what the schema has. */
  #misplaced(move: Move, made: readonly Move[]): Problem | null {
    const { name, from, to } = move;
    if (this.isInSchema(from) && !this.#stored.has(from)) {
      return { move, message: `${name} renames the table "${from}", but the schema still has it.` };
    }
    const isLast = !made.slice(made.indexOf(move) + 1).some((later) => later.from === to);
    if (this.#input.after?.schemaValidation !== true || !isLast || this.isInSchema(to)) return null;
    return {
      move,
      message: `${name} renames the table "${from}" to "${to}", which the schema does not have.`,
    };
  }

  #documentsOf(table: string): number {
    return this.#documents(this.#stored.get(table) ?? table);
  }

  #documents(storedAs: string): number {
    return this.#input.documents.get(storedAs) ?? 0;
  }
}

interface Problem {
  readonly move: Move;
  readonly message: string;
}

/** The moves by which tables take each other's names, from this one around; null when they do not come back to it. */
function circleFrom(first: Move, moves: readonly Move[]): readonly Move[] | null {
  const circle = [first];
  let last = first;
  while (last.to !== first.from) {
    const next = moves.find((move) => move.from === last.to && !circle.includes(move));
    if (next === undefined) return null;
    circle.push(next);
    last = next;
  }
  return circle.length === 1 ? null : circle;
}

function countText(documents: number): string {
  return `${documents.toLocaleString("en-US")} ${documents === 1 ? "document" : "documents"}`;
}
