/** Items as the component returns them. */
import type { FunctionReturnType } from "convex/server";
import type { ComponentApi } from "../component/_generated/component.js";
import type { Item, Key } from "./types.js";

/** The component returns keys and ids as they were given to it, so they have the types that they had then. */
export function itemsOf<K extends Key, ID extends string>(
  items: FunctionReturnType<ComponentApi["reads"]["at"]>,
): Item<K, ID>[] {
  return items as Item<K, ID>[];
}
