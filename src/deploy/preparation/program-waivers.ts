/**
 * The waivers of a whole program. Those of the app reach every component, by its path before the table
 * (`drop-table:billing/bills`); those that a component exports are for its own tables and for those of what is mounted in it.
 */
import { isTrueupError, TrueupError } from "../../errors/index.js";
import type { LoadedProgram } from "../../functions/index.js";
import { parseWaivers } from "../../schema/index.js";

interface InvalidWaiver {
  readonly name: string;
  readonly waiver: string;
  readonly why: string;
}

/**
 * All of them as seen from the app, for the plan of every component.
 * @throws TRANSFORM_INVALID, with each in `details.invalid`, for those that are no waivers, that name no place, or that are for
 *   a component which is not mounted
 */
export function programWaivers({ components }: LoadedProgram): readonly string[] {
  const mounted = new Set(components.keys());
  const valid: string[] = [];
  const invalid: InvalidWaiver[] = [];
  for (const [path, { declarations }] of components) {
    for (const { name, declared } of declarations.waivers) {
      const exportedAs = path === "" ? name : `${name} in component "${path}"`;
      for (const waiver of declared.waivers) {
        const text = fromTheApp(waiver, path);
        const why = whyInvalid(text, mounted);
        if (why === null) valid.push(text);
        else invalid.push({ name: exportedAs, waiver, why });
      }
    }
  }
  if (invalid.length === 0) return valid;
  const lines = invalid.map(
    ({ name, waiver, why }) => `The waiver "${waiver}" of ${name} cannot be used. ${why}`,
  );
  throw new TrueupError("TRANSFORM_INVALID", lines.join("\n"), { invalid });
}

function fromTheApp(waiver: string, path: string): string {
  const [name = "", ...rest] = waiver.split(":");
  const target = rest.join(":");
  return path === "" || target === "" ? waiver : `${name}:${path}/${target}`;
}

/** Why a waiver cannot be used; null for one that names a place which may be there. */
function whyInvalid(text: string, mounted: ReadonlySet<string>): string | null {
  try {
    const [given] = parseWaivers([text], mounted);
    return given?.target === undefined ? "It names no table or field, and would outlive its reason." : null;
  } catch (error) {
    if (!isTrueupError(error)) throw error;
    return error.message;
  }
}
