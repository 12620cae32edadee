/** Refuses calls that leave out an argument, in the words of the official client. */
import { TrueupError } from "../../errors/index.js";

/** @throws INVALID_CALL when the argument is undefined. */
export function requireArgument(value: unknown, place: number, method: string, name: string): void {
  if (value === undefined) {
    throw new TrueupError("INVALID_CALL", `Must provide arg ${place} \`${name}\` to \`${method}\``, {
      method,
      argument: name,
    });
  }
}
