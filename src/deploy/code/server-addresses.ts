/** The addresses of the server itself, which modules may read while they are imported. */
import { authModule } from "../push/auth-config.js";
import { serverVariables } from "./environment-store.js";
import type { ProgramCode } from "./program-code.js";

/** As they are now. */
export function serverAddresses(): readonly (string | undefined)[] {
  return [...serverVariables].map((name) => process.env[name]);
}

/** Whether a module may read the server's addresses; `auth.config` is evaluated by itself. */
export function namesAddresses({ definitions }: ProgramCode): boolean {
  const modules = [...definitions.values()].flatMap((definition) => definition.modules);
  return modules.some(
    ({ path, source }) => path !== authModule && [...serverVariables].some((name) => source.includes(name)),
  );
}
