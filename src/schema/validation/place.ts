/** Places inside a value, as messages write them. Each function makes the place of a part from the place of the whole. */

/** A place in a value: as the value is indexed, and as a pattern that is the same for every element. */
export interface Place {
  /** ".tags[3].name"; "" is the value itself. */
  readonly path: string;
  /** ".tags[].name": without indexes of arrays and keys of records, so that violations of the same kind count together. */
  readonly pattern: string;
}

/** The value itself. */
export const root: Place = { path: "", pattern: "" };

/** A field of an object. */
export function fieldPlace(place: Place, field: string): Place {
  const step = /^\w+$/.test(field) ? `.${field}` : `[${JSON.stringify(field)}]`;
  return { path: place.path + step, pattern: place.pattern + step };
}

/** An element of an array; all elements when no index is given. */
export function elementPlace(place: Place, index: number | "" = ""): Place {
  return { path: `${place.path}[${index}]`, pattern: `${place.pattern}[]` };
}

/** The keys of a record. */
export function keysPlace(place: Place): Place {
  return { path: `${place.path}.keys()`, pattern: `${place.pattern}.keys()` };
}

/** A value of a record; all values when no key is given. */
export function valuesPlace(place: Place, key?: string): Place {
  const step = key === undefined ? ".values()" : `[${JSON.stringify(key)}]`;
  return { path: place.path + step, pattern: `${place.pattern}.values()` };
}

/** A member of a union that a tag tells from the others. The path names it; the pattern does not. */
export function memberPlace(place: Place, field: string, tag: string): Place {
  return { ...place, path: `${place.path}(${field}: ${JSON.stringify(tag)})` };
}
