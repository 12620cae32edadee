/** Refuses cron jobs that could never run, before any code is put in place. */
import { TrueupError } from "../../errors/index.js";
import type { LoadedProgram } from "../../functions/index.js";

/**
 * Every cron job calls a mutation or action that is there.
 * @throws FUNCTION_NOT_FOUND, INVALID_FUNCTION
 */
export function checkCrons(program: LoadedProgram): void {
  for (const component of program.components.values()) {
    for (const [name, { name: functionPath }] of Object.entries(component.crons)) {
      const fn = component.functionAt(functionPath);
      if (fn.kind === "query") {
        throw new TrueupError(
          "INVALID_FUNCTION",
          `The cron job "${name}" calls ${fn.path}, which is a query: cron jobs call mutations and actions.`,
          { cron: name, path: fn.path },
        );
      }
    }
  }
}
