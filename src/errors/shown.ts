/** At most so much of a text that a caller gave is shown in an error. */
const maxChars = 100;

/**
 * How an error shows what a caller gave where something else was expected: in few words, however large it is. Runs no code of
 * the value's own, so it never throws.
 */
export function shown(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value.length <= maxChars ? value.toWellFormed() : `${value.slice(0, maxChars).toWellFormed()}…`;
    case "object":
      return value === null ? "null" : "an object";
    case "function":
      return "a function";
    case "symbol":
      return "a symbol";
    default:
      return String(value);
  }
}
