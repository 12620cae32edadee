/**
 * Renames a field in its place, wherever the path leads: into nested objects (`address.zip`) and into the objects of
 * arrays (`items[].sku`). Where a value on the way is absent or of another type there is nothing to rename.
 */

const pathPattern = /^[A-Za-z]\w*(\[\])*(\.[A-Za-z]\w*(\[\])*)*$/;
const namePattern = /^[A-Za-z]\w*$/;

/** Where the field is after the rename and what it was called; null when these are no path and name. */
export function renameTargetOf(from: string, to: string): { path: string; name: string } | null {
  if (!pathPattern.test(from) || from.endsWith("]") || !namePattern.test(to)) return null;
  const end = from.lastIndexOf(".") + 1;
  return { path: from.slice(0, end) + to, name: from.slice(end) };
}

/** A copy in which the field at the path has the new name. Throws when there is a field of that name already. */
export function renameAt<Value>(value: Value, path: string, to: string): Value {
  return renameIn(value, path.replaceAll("[]", ".[]").split("."), to) as Value;
}

function renameIn(value: unknown, [step = "", ...rest]: readonly string[], to: string): unknown {
  if (step === "[]") {
    return Array.isArray(value) ? value.map((item: unknown) => renameIn(item, rest, to)) : value;
  }
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return value;
  if (Array.isArray(value) || value instanceof ArrayBuffer) return value;
  const fields = value as Readonly<Record<string, unknown>>;
  if (rest.length > 0) return { ...fields, [step]: renameIn(fields[step], rest, to) };
  if (Object.hasOwn(fields, to)) throw new Error(`There is a field ${to} beside ${step} already.`);
  const { [step]: moved, ...others } = fields;
  return { ...others, [to]: moved };
}
