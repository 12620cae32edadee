/**
 * Divides what is left of a range among several workers. The places are keys of documents that are there, spread evenly
 * over the first field that the range leaves open, which must hold numbers: creation times do. Between them lie
 * disjoint ranges that together are the whole, whatever is inserted or deleted later; the last is open at its end.
 */
import { cursorOfKey } from "./cursor.js";
import { keyOf, queryOf, type Database } from "./page.js";
import { isKeyed, type Bound, type Range } from "./range.js";
import type { StoredDocument } from "./stored-document.js";

/**
 * At most `ranges - 1` places behind the document `last`, in the order of the range; none where it cannot be divided.
 * Reads one document for each.
 */
export async function splitsBehind(
  db: Database,
  range: Range,
  last: StoredDocument,
  ranges: number,
): Promise<string[]> {
  if (ranges < 2 || !isKeyed(range)) return [];
  const { fields, order } = range;
  const equals = range.bounds.filter(({ comparison }) => comparison === "eq");
  const field = fields[equals.length];
  if (field === undefined) return [];
  const opposite = { ...range, order: order === "asc" ? "desc" : "asc" } as const;
  const end = await first(queryOf(db, opposite, range.bounds));
  const [from] = keyOf([field], last);
  const [to] = keyOf([field], end ?? undefined);
  if (typeof from !== "number" || typeof to !== "number" || !Number.isFinite(to - from)) return [];
  const comparison = order === "asc" ? "gte" : "lte";
  const ahead = range.bounds.filter((bound) => bound.comparison.startsWith(order === "asc" ? "l" : "g"));
  const places: string[] = [cursorOfKey(keyOf(fields, last))];
  for (let part = 1; part < ranges; part++) {
    const value: number = from + ((to - from) * part) / ranges;
    if (value === from) continue;
    const bound: Bound = { comparison, field, value };
    const document = await first(queryOf(db, range, [...equals, bound, ...ahead]));
    if (document === null) break;
    const place = cursorOfKey(keyOf(fields, document));
    if (place !== places.at(-1)) places.push(place);
  }
  return places.slice(1);
}

async function first(query: AsyncIterable<StoredDocument>): Promise<StoredDocument | null> {
  for await (const document of query) return document;
  return null;
}
