/** What the component answers: items, and lists in pages. */
import type { FunctionReturnType } from "convex/server";
import type { ComponentApi } from "../component/_generated/component.js";
import type { Item, Key } from "./types.js";

/** Gives items of an answer their types: the component returns keys and ids as they were written. */
export function itemsOf<K extends Key, ID extends string>(
  items: FunctionReturnType<ComponentApi["reads"]["at"]>,
): Item<K, ID>[] {
  return items as Item<K, ID>[];
}

/** How many entries a page has where the caller does not say. */
export const defaultPageSize = 100;

/** A part of a list, and the cursor of the next one: "" after the last. */
export interface Page<T> {
  page: T[];
  cursor: string;
  isDone: boolean;
}

/** The argument that says where a page begins. */
export function cursorArgs(cursor: string | undefined): { cursor?: string } {
  return cursor === undefined ? {} : { cursor };
}

/** Yields what is on all pages, and reads each page when it comes to it. */
export async function* eachOf<T>(
  pageAt: (cursor: string | undefined) => Promise<Page<T>>,
): AsyncGenerator<T, void, undefined> {
  let cursor: string | undefined;
  for (let isDone = false; !isDone;) {
    const part = await pageAt(cursor);
    yield* part.page;
    ({ cursor, isDone } = part);
  }
}
