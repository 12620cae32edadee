/** Puts what requires something of its kind behind it; otherwise the order stays. */
import { TrueupError } from "../../errors/index.js";

interface Requiring {
  readonly name: string;
  readonly requires: readonly string[];
}

/**
 * O(n + requirements). @param done Names that are required and need no place, because they were applied before.
 * @throws TRANSFORM_INVALID for a circle, or a name that nothing has
 */
export function orderByRequires<Item extends Requiring>(
  items: readonly Item[],
  done: ReadonlySet<string>,
): Item[] {
  const byName = new Map(items.map((item) => [item.name, item]));
  const ordered = new Set<Item>();
  const place = (item: Item, path: readonly string[]): void => {
    if (ordered.has(item)) return;
    if (path.includes(item.name)) {
      throw new TrueupError(
        "TRANSFORM_INVALID",
        `Transforms require each other: ${[...path, item.name].join(" → ")}.`,
        { names: path },
      );
    }
    for (const name of item.requires) {
      const required = byName.get(name);
      if (required !== undefined) place(required, [...path, item.name]);
      else if (!done.has(name)) {
        throw new TrueupError(
          "TRANSFORM_INVALID",
          `The transform ${item.name} requires ${name}, which no module exports and which was never applied.`,
          { name: item.name, requires: name },
        );
      }
    }
    ordered.add(item);
  };
  for (const item of items) place(item, []);
  return [...ordered];
}
