/** Places inside a value, as messages write them: steps from a place to what is inside it. */

/** Where in the value: as the value is indexed, and as a pattern that is the same for every element. */
export interface Place {
  /** ".tags[3].name"; "" is the value itself. */
  readonly path: string;
  /** ".tags[].name": array indexes and record keys left out, so that like violations count together. */
  readonly pattern: string;
}

/** The value itself. */
export const root: Place = { path: "", pattern: "" };

/** A field of an object. */
export function fieldPlace(place: Place, field: string): Place {
  const step = /^\w+$/.test(field) ? `.${field}` : `[${JSON.stringify(field)}]`;
  return { path: place.path + step, pattern: place.pattern + step };
}

/** An element of an array; without an index all of them. */
export function elementPlace(place: Place, index: number | "" = ""): Place {
  return { path: `${place.path}[${index}]`, pattern: `${place.pattern}[]` };
}

/** The keys of a record. */
export function keysPlace(place: Place): Place {
  return { path: `${place.path}.keys()`, pattern: `${place.pattern}.keys()` };
}

/** A value of a record; without a key all of them. */
export function valuesPlace(place: Place, key?: string): Place {
  const step = key === undefined ? ".values()" : `[${JSON.stringify(key)}]`;
  return { path: place.path + step, pattern: `${place.pattern}.values()` };
}

/** The members of a union that a tag tells apart: a place in the path, none in the pattern. */
export function memberPlace(place: Place, field: string, tag: string): Place {
  return { ...place, path: `${place.path}(${field}: ${JSON.stringify(tag)})` };
}
