/**
 * Refuses cron jobs that could never run, before any code is put in place by a push or by `activate`. Nobody waits for a cron
 * job, so whatever is wrong with it would only be found in a log.
 */
import { jsonToConvex, type JSONValue } from "convex/values";
import { isTrueupError, TrueupError } from "../../errors/index.js";
import type { CronSpec, LoadedComponent, LoadedFunction, LoadedProgram } from "../../functions/index.js";
import { checkValue, describeViolations, rewriteType } from "../../schema/index.js";

/** Stands for all tables, since the deploy itself can change which table the ids in arguments belong to. */
const anyTable = "table";

/**
 * Asserts that every cron job calls a mutation or action that is there, with arguments that fit it.
 * @throws FUNCTION_NOT_FOUND, COMPONENT_MISSING, INVALID_FUNCTION, INVALID_ARGUMENTS, each with the name of the cron job
 *   and the path of the function in its message and details
 */
export function checkCrons(program: LoadedProgram): void {
  for (const component of program.components.values()) {
    for (const [cron, spec] of Object.entries(component.crons)) {
      const fn = functionOf(component, cron, spec);
      if (fn !== null) checkCall(fn, cron, spec);
    }
  }
}

/** The function that a cron job calls; null when its module did not import and that is deferred to calls. */
function functionOf(component: LoadedComponent, cron: string, { name }: CronSpec): LoadedFunction | null {
  try {
    return component.functionAt(name);
  } catch (error) {
    if (!isTrueupError(error)) throw error;
    if (error.code === "MODULE_FAILED") return null;
    const { code, message, details } = error;
    throw new TrueupError(code, `The cron job "${cron}" calls ${name}: ${message}`, {
      path: name,
      ...details,
      cron,
    });
  }
}

function checkCall({ path, kind, args }: LoadedFunction, cron: string, spec: CronSpec): void {
  if (kind === "query") {
    throw new TrueupError(
      "INVALID_FUNCTION",
      `The cron job "${cron}" calls ${path}, which is a query: cron jobs call mutations and actions.`,
      { cron, path },
    );
  }
  if (args === null) return;
  const shape = rewriteType(args.validator, { table: () => anyTable, field: (field) => field });
  const given = jsonToConvex((spec.args[0] ?? {}) as JSONValue);
  const violations = checkValue(shape, given, { tableOfId: () => anyTable });
  if (violations.length === 0) return;
  throw new TrueupError(
    "INVALID_ARGUMENTS",
    `The cron job "${cron}" calls ${path} with arguments that do not fit: ${describeViolations(violations)}`,
    { cron, path, violations },
  );
}
