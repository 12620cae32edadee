/**
 * Lets a test change documents of the system's tables, so that it can make the states that an app has to cope with: a job that
 * was cleaned up, one that failed. Functions of the app cannot, as on Convex.
 */
import { currentExecution, type Execution } from "../functions/index.js";

type Write = (tableOrId: string, idOrFields?: unknown, fields?: unknown) => Promise<unknown>;

interface WriteContext {
  readonly db: Readonly<Record<"patch" | "replace" | "delete", Write>>;
}

/** The ctx of an inline mutation whose `db.patch`, `replace` and `delete` take ids of the system's tables, too. */
export function withSystemWrites(ctx: object): object {
  const { db } = ctx as WriteContext;
  return {
    ...ctx,
    db: {
      ...db,
      patch: orSystem("patch", db.patch),
      replace: orSystem("replace", db.replace),
      delete: orSystem("delete", db.delete),
    },
  };
}

function orSystem(method: "patch" | "replace" | "delete", write: Write): Write {
  const argsWithoutTable = method === "delete" ? 1 : 2;
  return async (...args) => {
    const execution = currentExecution.getStore();
    const [table, id, fields] = args.length > argsWithoutTable ? args : [undefined, ...args];
    if (execution === undefined || !isOfSystem(execution, id)) return await write(...args);
    return await execution.write(async (tx) => {
      const system = tx.system(execution.component.path);
      if (method === "delete") await system.delete(id, table);
      else await system[method](id, fields as Readonly<Record<string, unknown>>, table);
    });
  };
}

function isOfSystem({ mutation, component }: Execution, id: unknown): id is string {
  const table = typeof id === "string" ? mutation.system(component.path).tableOfId(id) : null;
  return table?.startsWith("_") === true;
}
