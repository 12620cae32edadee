/**
 * The `Convex` global that the `convex` package calls where it has no `ctx`: for `createFunctionHandle`, function metadata, and
 * the like. It answers each call for the execution that the call is made in. Outside of every execution, the global is
 * whatever another library has put there.
 */
import { AsyncLocalStorage, AsyncResource } from "node:async_hooks";
import { TrueupError } from "../../errors/index.js";
import { convexToJson, jsonToConvex, type JSONValue, type Value } from "convex/values";
import { runningFunction, type RunningFunction } from "../../seams/index.js";
import { identityOf } from "../context/auth.js";
import { transactionContext } from "../context/contexts.js";
import {
  deploymentMetadata,
  functionMetadata,
  requestMetadata,
  snapshotTs,
  transactionMetrics,
} from "../context/meta.js";
import { notSupported } from "../context/refused-calls.js";
import { functionHandle } from "../program/loaded-program.js";
import { programGlobals, type ProgramGlobals } from "../program/program-globals.js";
import { currentExecution, type Execution } from "./execution.js";
import type { NestedOptions } from "./invoke.js";

interface ConvexGlobal {
  [runningFunction](): RunningFunction;
  syscall(operation: string, args: string): string;
  asyncSyscall(operation: string, args: string): Promise<string>;
  jsSyscall(operation: string, args: Record<string, unknown>): unknown;
}

type Arguments = Readonly<Record<string, unknown>>;

const answers: Readonly<Record<string, (execution: Execution, args: Arguments) => unknown>> = {
  "1.0/auditLog": () => null,
  "1.0/count": async (execution, args) => {
    await execution.turn.free();
    return await execution.reader.count(String(args["table"]));
  },
  "1.0/createFunctionHandle": async ({ program, component }, args) => {
    const text = addressOf(args);
    await program.prepare(component, text);
    return functionHandle(program.target(component, text));
  },
  "1.0/getDeploymentMetadata": (execution) => deploymentMetadata(execution),
  "1.0/getFunctionMetadata": (execution) => functionMetadata(execution),
  "1.0/getRequestMetadata": (execution) => requestMetadata(execution),
  "1.0/getTransactionMetrics": (execution) => transactionMetrics(execution),
  "1.0/getUserIdentity": (execution) => identityOf(execution),
  "1.0/runUdf": async (execution, args) => {
    const ctx = transactionContext(execution) as NestedCalls;
    const options = args as Pick<NestedOptions, "transactionLimits">;
    const called = addressOf(args);
    const value = jsonToConvex((args["args"] ?? {}) as JSONValue);
    switch (args["udfType"]) {
      case "query":
        return await ctx.runQuery(called, value, options);
      case "snapshotQuery":
        return await ctx.runQuery(called, value, { ...options, useStaleSnapshot: true });
      case "mutation":
        if (ctx.runMutation === undefined) {
          throw new TrueupError("INVALID_CALL", "A query cannot run a mutation.");
        }
        return await ctx.runMutation(called, value, options);
      default:
        throw new TrueupError("INVALID_CALL", `runUdf runs no function of type ${String(args["udfType"])}.`);
    }
  },
};

/** What a transaction calls functions with; a query cannot run mutations. */
interface NestedCalls {
  runQuery(address: string, args: Value, options: NestedOptions): Promise<Value>;
  runMutation?(address: string, args: Value, options: NestedOptions): Promise<Value>;
}

/** The name, the reference or the handle of the function that is meant. */
function addressOf(args: Arguments): string {
  return String(args["name"] ?? args["reference"] ?? args["functionHandle"]);
}

const ours: ConvexGlobal = {
  [runningFunction]() {
    const execution = running();
    return {
      fail: (error) => execution.fail(error),
      holdFor: (work) => execution.holdFor(work),
    };
  },
  syscall(operation) {
    if (operation !== "1.0/getSnapshotTs") {
      throw notSupported(`Convex.syscall("${operation}")`);
    }
    return JSON.stringify(convexToJson(snapshotTs(running())));
  },
  async asyncSyscall(operation, args) {
    const answer = answers[operation];
    if (answer === undefined) {
      throw notSupported(`Convex.asyncSyscall("${operation}")`);
    }
    const result = await answer(running(), JSON.parse(args) as Arguments);
    return JSON.stringify(convexToJson(result as Value));
  },
  jsSyscall(operation) {
    throw notSupported(`Convex.jsSyscall("${operation}")`);
  },
};

/** The globals of pushed code. @param options What stands in the place of `process.env`, if anything does. */
export function convexGlobals(options: { readonly env?: object } = {}): ProgramGlobals {
  return programGlobals({ ...options, convex: ours });
}

/** The global that another library has put in place, before or after this one. */
let others: () => unknown = () => undefined;
let installed = false;

/** The globals by which the official CLI replaces `async_hooks` in modules that are not for Node. */
const asyncHooks = { AsyncLocalStorage, AsyncResource };

/** Puts the global in place, and those of `async_hooks`, once for the process. */
export function installConvexGlobal(): void {
  if (installed) {
    return;
  }
  installed = true;
  for (const [name, value] of Object.entries(asyncHooks)) {
    if (name in globalThis) continue;
    Object.defineProperty(globalThis, name, { configurable: true, writable: true, value });
  }
  const before = Object.getOwnPropertyDescriptor(globalThis, "Convex");
  others = () => (before?.get === undefined ? before?.value : before.get.call(globalThis));
  Object.defineProperty(globalThis, "Convex", {
    configurable: true,
    enumerable: false,
    get: () => (currentExecution.getStore() === undefined ? others() : ours),
    set: (value: unknown) => {
      others = () => value;
    },
  });
}

function running(): Execution {
  const execution = currentExecution.getStore();
  if (execution === undefined) {
    throw new TrueupError("INVALID_CALL", "This can only be called while a Convex function runs.");
  }
  return execution;
}
