/**
 * Lets functions see their program's environment variables in `process.env`: those of the current
 * execution's component first, then the process's own. Installed when a program has any.
 */
import { currentExecution } from "./execution.js";

let installed = false;

/** Puts the view in place of `process.env`, once for the process. */
export function installEnvironment(): void {
  if (installed) {
    return;
  }
  installed = true;
  const declared = (key: string | symbol): string | undefined =>
    typeof key === "string" ? currentExecution.getStore()?.component.program.env?.[key] : undefined;
  process.env = new Proxy(process.env, {
    get: (target, key) => declared(key) ?? Reflect.get(target, key),
    has: (target, key) => declared(key) !== undefined || Reflect.has(target, key),
  });
}
