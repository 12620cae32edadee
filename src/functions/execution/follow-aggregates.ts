/**
 * Keeps managed aggregates in step with every write, whoever makes it, by change hooks of the database; also with writes that
 * set off no triggers. A hook runs inside the write's own sub-transaction: when the aggregate cannot follow, the write is
 * undone and the writer gets the error.
 */
import type { Change, ChangeHook, DocumentImages } from "../../database/index.js";
import type { ExportedAggregate } from "../program/exported-aggregates.js";
import type { LoadedProgram } from "../program/loaded-program.js";
import type { Engine } from "./execution.js";
import { mutateInside } from "./work-inside.js";

/** Hooks by component path and table. */
export type HooksOfTables = ReadonlyMap<string, ReadonlyMap<string, readonly ChangeHook[]>>;

/** One change hook for each aggregate, by the component whose table it is of, and by table. */
export function followHooks(
  engine: Engine,
  program: LoadedProgram,
  aggregates: Iterable<ExportedAggregate>,
): HooksOfTables {
  const hooks = new Map<string, Map<string, ChangeHook[]>>();
  for (const { name, componentPath, aggregate } of aggregates) {
    const tables = hooks.get(componentPath) ?? new Map<string, ChangeHook[]>();
    const followers = tables.get(aggregate.table) ?? [];
    followers.push(async (tx, { id, operation, oldDoc, newDoc }) => {
      // As with the upkeep of an index, this counts against no limit of the function that wrote.
      await tx.uncounted(() =>
        mutateInside(tx, { engine, program, componentPath, path: `aggregate ${name}` }, (ctx) =>
          aggregate.follow(ctx, { id, operation, oldDoc, newDoc }),
        ),
      );
    });
    hooks.set(componentPath, tables.set(aggregate.table, followers));
  }
  return hooks;
}

/**
 * The hooks of an aggregate of a program that is to come. `imagesOf` gives the documents as that program will find them. When
 * the aggregate fails, the writer goes on: what the aggregate did for the write is undone, and `onFailure` gets the error.
 */
export function standbyHooks(
  engine: Engine,
  program: LoadedProgram,
  aggregate: ExportedAggregate,
  imagesOf: (change: Change) => DocumentImages,
  onFailure: (error: unknown) => void,
): HooksOfTables {
  const hooks = followHooks(engine, program, [aggregate]);
  const guarded = (hook: ChangeHook): ChangeHook => {
    return async (tx, change) => {
      try {
        await tx.nested(async () => {
          await hook(tx, { ...change, ...imagesOf(change) });
        });
      } catch (error) {
        onFailure(error);
      }
    };
  };
  return new Map(
    [...hooks].map(([path, tables]) => [
      path,
      new Map([...tables].map(([table, list]) => [table, list.map(guarded)])),
    ]),
  );
}

/** All hooks of each table, those of the first map first. */
export function joinHooks(maps: readonly HooksOfTables[]): HooksOfTables {
  const joined = new Map<string, Map<string, readonly ChangeHook[]>>();
  for (const map of maps) {
    for (const [path, tables] of map) {
      const known = joined.get(path) ?? new Map<string, readonly ChangeHook[]>();
      for (const [table, hooks] of tables) known.set(table, [...(known.get(table) ?? []), ...hooks]);
      joined.set(path, known);
    }
  }
  return joined;
}
