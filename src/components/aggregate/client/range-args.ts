/** Turns options of the methods into arguments of the component's functions, which leave out what is undefined. */
import { ConvexError, type Value } from "convex/values";
import type { Bound, Key, SideBounds } from "./types.js";

/** Any bounds, whatever the type of the key. */
type AnyBounds = SideBounds<Key, string> | { readonly prefix: readonly Value[] } | { readonly eq: Value };

/** Any set of namespaces, whatever their type. */
type AnyNamespaceSet = "all" | readonly (Value | undefined)[] | { readonly prefix: readonly Value[] };

/** The options that say which items a read is about, whatever their types. */
export interface RangeOptionArgs {
  readonly namespace?: Value | undefined;
  readonly namespaces?: AnyNamespaceSet | undefined;
  readonly bounds?: AnyBounds | undefined;
}

interface SideArgs {
  key: Value;
  id?: string;
  inclusive: boolean;
}

/** A range of the items of one namespace or several, as the component takes it. */
export interface RangeArgs {
  namespace?: Value;
  namespaces?: "all" | { namespace?: Value }[] | { prefix: Value[] };
  bounds?: { eq?: Value; prefix?: Value[]; lower?: SideArgs; upper?: SideArgs };
}

/** @throws INVALID_BOUNDS when a key or prefix is undefined, which would otherwise mean everything. */
export function rangeArgs({ namespace, namespaces, bounds }: RangeOptionArgs = {}): RangeArgs {
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(namespaces === undefined ? {} : { namespaces: setArgs(namespaces) }),
    ...(bounds === undefined ? {} : { bounds: boundsArgs(bounds) }),
  };
}

function setArgs(set: AnyNamespaceSet): NonNullable<RangeArgs["namespaces"]> {
  if (set === "all") return set;
  if ("prefix" in set) return { prefix: [...set.prefix] };
  return set.map((namespace) => (namespace === undefined ? {} : { namespace }));
}

function boundsArgs(bounds: AnyBounds): NonNullable<RangeArgs["bounds"]> {
  if ("eq" in bounds) return { eq: defined("eq", bounds.eq) };
  if ("prefix" in bounds) return { prefix: [...defined("prefix", bounds.prefix)] };
  const { lower, upper } = bounds;
  return { ...(lower && { lower: sideArgs(lower) }), ...(upper && { upper: sideArgs(upper) }) };
}

function sideArgs({ key, id, inclusive }: Bound<Key, string>): SideArgs {
  return { key: defined("key", key), ...(id === undefined ? {} : { id }), inclusive };
}

function defined<T>(name: string, value: T | undefined): T {
  if (value !== undefined) return value;
  const message = `The bounds' ${name} is undefined: leave the bounds out to mean everything.`;
  throw new ConvexError({ code: "INVALID_BOUNDS", message });
}
