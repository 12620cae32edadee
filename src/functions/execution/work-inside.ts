/**
 * Runs the engine's own work with the `ctx` of a component, in a transaction that is open already: to follow a write, to build
 * an aggregate, to take one over in the transaction of a deploy. The calls that this work makes are not counted as nested
 * calls of the app; what it reads and writes counts towards the transaction.
 */
import type { DatabaseReader, MutationTransaction, QueryTransaction } from "../../database/index.js";
import { mutationContext, transactionContext } from "../context/contexts.js";
import type { LoadedProgram } from "../program/loaded-program.js";
import { currentExecution, Execution, Request, TransactionScope, type Engine } from "./execution.js";

/** Whose code runs, and under which name. */
export interface InsideOptions {
  readonly engine: Engine;
  readonly program: LoadedProgram;
  readonly componentPath: string;
  /** The name that `ctx.meta` and messages give to the work. */
  readonly path: string;
  /** Reads the component's data, where it is to be read otherwise than the transaction sees it. */
  readonly reader?: DatabaseReader | undefined;
}

/** Runs `run` with the ctx of a mutation of a component. Rejects with whatever `run` throws. @throws COMPONENT_MISSING */
export async function mutateInside<T>(
  tx: MutationTransaction,
  options: InsideOptions,
  run: (ctx: object) => Promise<T>,
): Promise<T> {
  const current = currentExecution.getStore();
  const caller = current !== undefined && current.scope?.tx === tx ? current : null;
  const execution = new Execution({
    engine: options.engine,
    program: options.program,
    component: options.program.component(options.componentPath),
    subject: { kind: "mutation", path: caller?.subject.path ?? options.path, visibility: "internal" },
    request: caller?.request ?? new Request({}, null),
    scope: caller?.scope ?? new TransactionScope(tx, tx),
    parent: caller,
    depth: 0,
    reader: options.reader,
  });
  return await within(execution, mutationContext(execution), run);
}

/** Runs `run` with the ctx of a query of a component. Rejects with whatever `run` throws. @throws COMPONENT_MISSING */
export async function queryInside<T>(
  tx: QueryTransaction,
  { engine, program, componentPath, path }: InsideOptions,
  run: (ctx: object) => Promise<T>,
): Promise<T> {
  const execution = new Execution({
    engine,
    program,
    component: program.component(componentPath),
    subject: { kind: "query", path, visibility: "internal" },
    request: new Request({}, null),
    scope: new TransactionScope(tx, null),
    parent: null,
  });
  return await within(execution, transactionContext(execution), run);
}

async function within<T>(execution: Execution, ctx: object, run: (ctx: object) => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await currentExecution.run(execution, run, ctx);
  } finally {
    await execution.end();
  }
  execution.assertSound();
  return result;
}
