/**
 * Whether a value is what Convex stores as an object: one that was written as a literal, made by JSON.parse, or has no prototype;
 * also one of another realm, since a vm context has an `Object` of its own. `convexToJson` decides the same way.
 */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return typeof prototype === "object" && prototype.constructor?.name === "Object";
}
