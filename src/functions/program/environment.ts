/**
 * Lets functions see their program's environment variables in `process.env`, before those of the process: the variables of
 * the component whose function runs, or of the component whose modules are being imported.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { assertNoTransform, shiftedVariable } from "../../database/index.js";

export type Environment = Readonly<Record<string, string>>;

/** The variables that the code which runs now may see; undefined outside of every function. */
let environmentOfCaller: () => Environment | undefined = () => undefined;

/** Says how to find the environment of the function that runs. */
export function findEnvironmentBy(find: () => Environment | undefined): void {
  environmentOfCaller = find;
}

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
    const environment = environmentOfCaller() ?? importing.getStore();
    return typeof key === "string" ? shiftedVariable(environment?.[key]) : undefined;
  };
  process.env = new Proxy(process.env, {
    get: (target, key) => declared(key) ?? Reflect.get(target, key),
    has: (target, key) => declared(key) !== undefined || Reflect.has(target, key),
  });
}
