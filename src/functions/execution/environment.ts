/**
 * Lets functions see their program's environment variables in `process.env`: those of the current
 * execution's component, or of the component whose modules are being imported, before the process's own.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { assertNoTransform, shiftedVariable } from "../../database/index.js";
import { currentExecution } from "./execution.js";

export type Environment = Readonly<Record<string, string>>;

const importing = new AsyncLocalStorage<Environment>();
let installed = false;

/** Runs an import whose modules see these variables while they are evaluated. */
export function withEnvironment<T>(environment: Environment, run: () => T): T {
  if (Object.keys(environment).length === 0) {
    return run();
  }
  install();
  return importing.run(environment, run);
}

function install(): void {
  if (installed) {
    return;
  }
  installed = true;
  const declared = (key: string | symbol): string | undefined => {
    assertNoTransform(`process.env.${String(key)}`);
    const environment = currentExecution.getStore()?.component.program.env ?? importing.getStore();
    return typeof key === "string" ? shiftedVariable(environment?.[key]) : undefined;
  };
  process.env = new Proxy(process.env, {
    get: (target, key) => declared(key) ?? Reflect.get(target, key),
    has: (target, key) => declared(key) !== undefined || Reflect.has(target, key),
  });
}
