/** References as an app's generated code has them, by path. */
import {
  type AnyApi,
  componentsGeneric,
  makeFunctionReference,
  type FunctionReference,
  type FunctionType,
} from "convex/server";

/** A function of the same component: `dir/mod:fn`. */
export function fn<Type extends FunctionType>(path: string): FunctionReference<Type> {
  return makeFunctionReference<Type>(path);
}

/** A function of a mounted component: `child/mod/fn`. */
export function inComponent<Type extends FunctionType>(path: string): FunctionReference<Type, "internal"> {
  let reference: unknown = componentsGeneric();
  for (const name of path.split("/")) {
    reference = (reference as AnyApi)[name];
  }
  return reference as FunctionReference<Type, "internal">;
}
