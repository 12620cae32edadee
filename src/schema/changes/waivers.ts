/** Waivers as somebody gives them, and which changes they relax. */
import { TrueupError } from "../../errors/index.js";
import { ruleOf, waivers, type WaiverName } from "./rules.js";
import { changeTarget, type SchemaChange } from "./schema-change.js";

/** A waiver for one place, or for every change whose rule has it. */
export interface GivenWaiver {
  readonly name: WaiverName;
  /** A table, `users`, or a field, `users.address.city`; absent for all. */
  readonly target?: string;
}

/**
 * Waivers from how they are written on a command line: `drop-field`, `drop-field:users.legacy`.
 * @throws UNKNOWN_WAIVER
 */
export function parseWaivers(texts: readonly string[]): readonly GivenWaiver[] {
  return texts.map((text) => {
    const [name = "", ...rest] = text.split(":");
    if (!isWaiverName(name)) {
      const known = Object.keys(waivers);
      const message = `There is no waiver "${name}". There are ${known.join(", ")}.`;
      throw new TrueupError("UNKNOWN_WAIVER", message, { waiver: text, known });
    }
    return rest.length === 0 ? { name } : { name, target: rest.join(":") };
  });
}

/** The waiver that relaxes a change, if one is given. */
export function waiverFor(change: SchemaChange, given: readonly GivenWaiver[]): GivenWaiver | undefined {
  const { waiver } = ruleOf(change.rule);
  const targets = [
    undefined,
    change.tableName,
    changeTarget(change),
    `${change.tableName}${change.pattern ?? ""}`,
  ];
  return given.find(({ name, target }) => name === waiver && targets.includes(target));
}

function isWaiverName(name: string): name is WaiverName {
  return Object.hasOwn(waivers, name);
}
