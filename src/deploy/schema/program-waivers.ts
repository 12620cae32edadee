/**
 * The waivers of a whole program. The app's reach every component, by its path before the table (`drop-table:billing/bills`);
 * those that a component exports mean its own tables, and those of what is mounted in it.
 */
import { isTrueupError, TrueupError } from "../../errors/index.js";
import type { LoadedProgram } from "../../functions/index.js";
import { parseWaivers } from "../../schema/index.js";

/**
 * As seen from the app, for the plan of every component.
 * @throws TRANSFORM_INVALID for one that is none, that is for all places, or for a component that is not mounted
 */
export function programWaivers({ components }: LoadedProgram): readonly string[] {
  const mounted = new Set(components.keys());
  return [...components].flatMap(([path, { declarations }]) =>
    declarations.waivers.flatMap(({ name, declared }) =>
      declared.waivers.map((waiver) => {
        const exportedAs = path === "" ? name : `${name} in component "${path}"`;
        return fromTheApp(waiver, path, exportedAs, mounted);
      }),
    ),
  );
}

function fromTheApp(waiver: string, path: string, exportedAs: string, mounted: ReadonlySet<string>): string {
  const [name = "", ...rest] = waiver.split(":");
  const target = rest.join(":");
  const text = path === "" || target === "" ? waiver : `${name}:${path}/${target}`;
  const refuse = (why: string): TrueupError =>
    new TrueupError("TRANSFORM_INVALID", `The waiver "${waiver}" of ${exportedAs} cannot be used. ${why}`, {
      name: exportedAs,
      waiver,
    });
  try {
    const [given] = parseWaivers([text], mounted);
    if (given?.target !== undefined) return text;
  } catch (error) {
    throw refuse(isTrueupError(error) ? error.message : "");
  }
  throw refuse("It names no table or field, and would outlive its reason.");
}
