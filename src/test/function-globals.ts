/**
 * Gives each function that a test runs globals of its own, as Convex does: no function sees what another one assigns to
 * `globalThis.Date`, and queries and mutations have neither `fetch` nor timers. The globals become accessors that look for the
 * running function. While no function has assigned one, that is one comparison, except for the globals that transactions
 * lack. Functions begin with whatever a test has put in place.
 */
import { TrueupError } from "../errors/index.js";
import { currentExecution, type LoadedProgram } from "../functions/index.js";

const missingInTransactions = ["fetch", "setTimeout", "clearTimeout", "setInterval", "clearInterval"];
const isolated = [
  ...missingInTransactions,
  ...["Date", "Math", "console", "process", "performance", "queueMicrotask", "structuredClone"],
  ...["crypto", "Crypto", "CryptoKey", "SubtleCrypto", "atob", "btoa", "TextEncoder", "TextDecoder"],
  ...["Request", "Response", "Headers", "URL", "URLSearchParams", "AbortController"],
];

/** The programs whose functions have globals of their own. */
const programs = new WeakSet<LoadedProgram>();
/** What functions have assigned to globals, by their execution. */
const assigned = new WeakMap<object, Map<string, unknown>>();
/** The names of the globals that any function has ever assigned. */
const everAssigned = new Set<string>();
const installed = new WeakSet<() => unknown>();

/** Gives the functions of this program globals of their own. */
export function isolateGlobals(program: LoadedProgram): void {
  programs.add(program);
}

/** Puts the accessors in place, also for globals that a test has replaced since. Call it before a function runs. */
export function installGlobals(): void {
  for (const name of isolated) {
    const descriptor = Object.getOwnPropertyDescriptor(globalThis, name);
    // oxlint-disable-next-line typescript/unbound-method -- compared, not called
    const isOurs = descriptor?.get !== undefined && installed.has(descriptor.get);
    if (descriptor?.configurable === true && !isOurs) {
      install(name, descriptor);
    }
  }
}

function install(name: string, before: PropertyDescriptor): void {
  const isMissing = missingInTransactions.includes(name);
  const refusal = refuse(name);
  const get = (): unknown => {
    if (isMissing || everAssigned.has(name)) {
      const execution = runningFunction();
      if (execution !== null) {
        const own = assigned.get(execution);
        if (own?.has(name) === true) {
          return own.get(name);
        }
        if (isMissing && execution.scope !== null) {
          return refusal;
        }
      }
    }
    return before.get === undefined ? before.value : before.get.call(globalThis);
  };
  const set = (value: unknown): void => {
    const execution = runningFunction();
    if (execution !== null) {
      everAssigned.add(name);
      const own = assigned.get(execution) ?? new Map<string, unknown>();
      assigned.set(execution, own.set(name, value));
    } else if (before.set !== undefined) {
      before.set.call(globalThis, value);
    } else {
      before.value = value;
    }
  };
  installed.add(get);
  const enumerable = before.enumerable ?? false;
  Object.defineProperty(globalThis, name, { get, set, configurable: true, enumerable });
}

function runningFunction(): { readonly scope: object | null } | null {
  const execution = currentExecution.getStore();
  return execution !== undefined && programs.has(execution.program) ? execution : null;
}

function refuse(name: string): () => never {
  return () => {
    throw new TrueupError(
      "INVALID_CALL",
      `\`${name}\` is not supported in Convex queries or mutations. Move this code to an action; a mutation can ` +
        "start one with `ctx.scheduler.runAfter(0, ...)`.",
      { name },
    );
  };
}
