/** Pages and their cursors. A cursor says after which item, or namespace, the next page begins. */
import { convexToJson, jsonToConvex, type JSONValue, type Value } from "convex/values";
import { encodeKey } from "../../../../values/index.js";
import { endOf, intersect, startOf, type Order } from "../../tree/index.js";
import { aggregateError } from "../interface/errors.js";
import { clipParts, type Parts } from "./questions.js";
import type { AnsweredItem, Page, Range } from "../interface/question.js";

/** The cursor after the last item. */
export const endCursor = "";

/** The place where a list goes on: at an item, or right after it. */
export interface ListPlace {
  readonly key: Value;
  readonly id: string;
  readonly namespace: Value | undefined;
  readonly inclusive: boolean;
}

/** The rest of the parts from a place on. Where positions are equal, the order of namespaces decides. */
export function partsFrom(parts: Parts, order: Order, place: ListPlace): Parts {
  const here = encodeKey([place.namespace]);
  return clipParts(parts, (range, namespace) => {
    const there = encodeKey([namespace]);
    const isBehind = order === "asc" ? there < here : there > here;
    const passed = isBehind || (there === here && !place.inclusive);
    if (order === "asc") {
      return intersect(range, { start: passed ? endOf(place) : startOf(place), end: null });
    }
    return intersect(range, { start: "", end: passed ? startOf(place) : endOf(place) });
  });
}

/** A page size, rounded up. @throws INVALID_PAGE_SIZE unless it is above zero */
export function pageSizeOf(limit: number): number {
  if (!(limit > 0)) throw aggregateError("INVALID_PAGE_SIZE", "limit must be positive");
  return Math.ceil(limit);
}

/** Makes a page of what was found; `found` has one more than `limit` when there is another page. */
export function pageOf<T>(found: T[], limit: number, cursorAfter: (last: T) => string): Page<T> {
  const last = found[limit - 1];
  if (found.length <= limit || last === undefined) return { page: found, cursor: endCursor, isDone: true };
  return { page: found.slice(0, limit), cursor: cursorAfter(last), isDone: false };
}

/** The cursor after an item. In a list of several namespaces, it names the item's namespace too. */
export function itemCursor({ key, id, namespace }: AnsweredItem, { namespaces }: Range): string {
  if (namespaces === undefined) return encodeCursor([key, id]);
  return encodeCursor([key, id, namespace === undefined ? [] : [namespace]]);
}

/** Where a list goes on after a cursor. @throws INVALID_CURSOR */
export function placeAfter(cursor: string, query: Range): ListPlace {
  const [key, id, named] = decodeCursor(cursor);
  const isOfSeveral = Array.isArray(named);
  const fits =
    key !== undefined && typeof id === "string" && isOfSeveral === (query.namespaces !== undefined);
  if (!fits) throw invalidCursor();
  return { key, id, namespace: isOfSeveral ? named[0] : query.namespace, inclusive: false };
}

/** The cursor after a namespace. */
export function namespaceCursor({ namespace }: { namespace?: Value }): string {
  return encodeCursor(namespace === undefined ? [] : [namespace]);
}

/** The namespace that a cursor comes after. @throws INVALID_CURSOR */
export function namespaceBefore(cursor: string): Value | undefined {
  return decodeCursor(cursor)[0];
}

function encodeCursor(values: Value[]): string {
  return JSON.stringify(convexToJson(values));
}

function decodeCursor(cursor: string): Value[] {
  try {
    const json: JSONValue = JSON.parse(cursor);
    const values = jsonToConvex(json);
    if (Array.isArray(values)) return values;
  } catch {
    // A text that is not the JSON of a value is no cursor either.
  }
  throw invalidCursor();
}

function invalidCursor(): Error {
  return aggregateError("INVALID_CURSOR", "The cursor is not one that this function returned.");
}
