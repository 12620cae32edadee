/** Refuses calls that Trueup does not support, and calls that leave out an argument, in the words of the official client. */
import { TrueupError } from "../../errors/index.js";

/** The error for a feature that Trueup lacks. */
export function notSupported(feature: string): TrueupError {
  return new TrueupError("FEATURE_NOT_SUPPORTED", `${feature} is not supported by Trueup yet.`, {
    feature,
  });
}

/** @throws INVALID_CALL when the argument is undefined. */
export function requireArgument(value: unknown, place: number, method: string, name: string): void {
  if (value === undefined) {
    throw new TrueupError("INVALID_CALL", `Must provide arg ${place} \`${name}\` to \`${method}\``, {
      method,
      argument: name,
    });
  }
}

/** @throws INVALID_CALL when the name of a table is left out, or is no string. */
export function requireTableName(name: unknown, place: number, method: string): asserts name is string {
  requireArgument(name, place, method, "tableName");
  if (typeof name === "string") return;
  throw new TrueupError(
    "INVALID_CALL",
    `Invalid argument \`tableName\` for \`db.${method}\`, expected string but got '${typeof name}'`,
    { method, argument: "tableName" },
  );
}
