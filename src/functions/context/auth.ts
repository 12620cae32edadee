/** `ctx.auth`: tells a function who called it. Components are not told, and a scheduled function has no caller. */
import type { UserIdentity } from "convex/server";
import type { Execution } from "../execution/execution.js";
import { notSupported } from "./refused-calls.js";

/** `ctx.auth` of a query or an action. */
interface Auth {
  getUserIdentity(): Promise<UserIdentity | null>;
}

export function authOf(execution: Execution): Auth {
  return { getUserIdentity: () => Promise.resolve(identityOf(execution)) };
}

/** Refuses `ctx.auth.signJwt` of a mutation. */
export function signJwt(): Promise<never> {
  return Promise.reject(notSupported("Signing tokens (auth.signJwt)"));
}

/** A copy of the caller's identity; null across the border of a component, in either direction. */
export function identityOf({ component, request, parent }: Execution): UserIdentity | null {
  for (let caller = parent; caller !== null; caller = caller.parent) {
    if (caller.component !== component) {
      return null;
    }
  }
  return request.identity === null ? null : { ...request.identity };
}
