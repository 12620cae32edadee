/**
 * Tells definitions apart: an aggregate is never read by code that defines it otherwise than the code that filled it. Two texts
 * of a function count as two definitions, even if they do the same; a `version` says it instead of the texts.
 */

const offsetBasis = 0xcbf29ce484222325n;
const prime = 0x100000001b3n;

/** The parts of a definition that make items of documents. */
export interface DefinedFunctions {
  readonly sortKey: unknown;
  readonly sumValue?: unknown;
  readonly sumValues?: object | undefined;
  readonly namespace?: unknown;
}

/** The fingerprint of a definition of a table's aggregate: the version, or a hash of the functions' texts. */
export function fingerprint(
  table: string,
  version: string | number | undefined,
  { sortKey, sumValue, sumValues, namespace }: DefinedFunctions,
): string {
  if (version !== undefined) return `${table}@${version}`;
  const named = Object.entries(sumValues ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const texts = [sortKey, sumValue, namespace, ...named.flat()].map(String);
  return `${table}#${hash(JSON.stringify(texts))}`;
}

/** FNV-1a of 64 bits (Fowler, Noll, Vo: draft-eastlake-fnv), over UTF-16 code units. */
function hash(text: string): string {
  let state = offsetBasis;
  for (let index = 0; index < text.length; index++) {
    state = BigInt.asUintN(64, (state ^ BigInt(text.charCodeAt(index))) * prime);
  }
  return state.toString(36);
}
