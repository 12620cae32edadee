/** Puts items in an order in which each comes after those that it requires; otherwise the order stays. */
import { TrueupError } from "../../errors/index.js";

interface Requiring {
  readonly name: string;
  readonly requires: readonly string[];
}

/** What is put in order, and how. */
export interface OrderOptions {
  /** What the items are called in messages: "transform". */
  readonly kind: string;
  /** Whether a name that no item has is nothing to wait for, because it is done or comes from elsewhere. */
  readonly isDone: (name: string) => boolean;
}

/** O(n + requirements). @throws TRANSFORM_INVALID for a circle, or a name that nothing has */
export function orderByRequires<Item extends Requiring>(
  items: readonly Item[],
  { kind, isDone }: OrderOptions,
): Item[] {
  const byName = new Map(items.map((item) => [item.name, item]));
  const ordered = new Set<Item>();
  const place = (item: Item, path: readonly string[]): void => {
    if (ordered.has(item)) return;
    if (path.includes(item.name)) {
      throw new TrueupError(
        "TRANSFORM_INVALID",
        `These ${kind}s require each other: ${[...path, item.name].join(" → ")}.`,
        { names: path },
      );
    }
    for (const name of item.requires) {
      const required = byName.get(name);
      if (required !== undefined) place(required, [...path, item.name]);
      else if (!isDone(name)) {
        throw new TrueupError(
          "TRANSFORM_INVALID",
          `The ${kind} ${item.name} requires ${name}, which no module exports and which was never applied.`,
          { name: item.name, requires: name },
        );
      }
    }
    ordered.add(item);
  };
  for (const item of items) place(item, []);
  return [...ordered];
}
