/**
 * Pushed code brings its own copies of `ConvexError`, one for the app and one for each component, and an
 * error that crosses between them must still be `instanceof ConvexError` where it is caught. Errors are
 * passed on as they are, so the test itself is widened: to any class of that name, every error that bears
 * the mark of a ConvexError is an instance.
 */
import { isConvexError } from "./thrown.js";

let installed = false;

/** Widens `instanceof ConvexError`, once for the process. Other classes are tested as before. */
export function shareConvexErrors(): void {
  if (installed) {
    return;
  }
  installed = true;
  const isInstance = Function.prototype[Symbol.hasInstance];
  Object.defineProperty(Error, Symbol.hasInstance, {
    configurable: true,
    writable: true,
    value(this: unknown, value: unknown): boolean {
      return isInstance.call(this, value) || (isConvexErrorClass(this) && isConvexError(value));
    },
  });
}

function isConvexErrorClass(type: unknown): boolean {
  return typeof type === "function" && type.name === "ConvexError" && Object.getPrototypeOf(type) === Error;
}
