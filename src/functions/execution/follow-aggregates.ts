/**
 * Keeps managed aggregates in step with every write, whoever makes it, by change hooks of the database; also with writes that
 * set off no triggers. A hook runs inside the write's own sub-transaction: when the aggregate cannot follow, the write is
 * undone and the writer gets the error.
 */
import type {
  ChangeHook,
  Follower,
  FollowerFailure,
  Followers,
  MutationTransaction,
} from "../../database/index.js";
import { isTrueupError } from "../../errors/index.js";
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
 * The hooks of an aggregate of a program that is to come. When the aggregate fails, the writer goes on: what the aggregate did
 * for the write is undone, and the transaction notes that the aggregate is given up.
 */
export function standbyHooks(
  engine: Engine,
  program: LoadedProgram,
  { name, isAhead }: Follower,
): HooksOfTables {
  const aggregate = program.aggregates().get(name);
  if (aggregate === undefined) throw new Error(`the program to come exports no aggregate ${name}`);
  const hooks = followHooks(engine, program, [aggregate]);
  const guarded = (hook: ChangeHook): ChangeHook => {
    return async (tx, change) => {
      const { followers } = tx;
      // An earlier write of the transaction may have given it up.
      if (followers === null || followers.failure !== undefined) return;
      try {
        await tx.nested(async () => {
          await hook(tx, isAhead ? { ...change, ...change.prepared() } : change);
        });
      } catch (error) {
        giveUpFollowers(tx, followers, error);
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

/** Notes why what follows for a program to come cannot go on: nothing follows for it from the next write on. */
export function giveUpFollowers(tx: MutationTransaction, followers: Followers, error: unknown): void {
  if (followers.failure !== undefined) return;
  const failure: FollowerFailure = isTrueupError(error)
    ? { code: error.code, message: error.message, details: error.details }
    : {
        code: "AGGREGATE_BUILD_FAILED",
        message: String(error instanceof Error ? error.message : error),
        details: {},
      };
  tx.nameFollowers({ ...followers, failure });
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
