/** `ctx.auth`: who called. Components are not told, and the scheduler calls for nobody. */
import type { UserIdentity } from "convex/server";
import type { Execution } from "../execution/execution.js";
import { notSupported } from "./not-supported.js";

/** `ctx.auth` of a query or an action. */
export class Auth {
  readonly #execution: Execution;

  constructor(execution: Execution) {
    this.#execution = execution;
  }

  getUserIdentity(): Promise<UserIdentity | null> {
    return Promise.resolve(identityOf(this.#execution));
  }
}

/** `ctx.auth` of a mutation. */
export class MutationAuth extends Auth {
  signJwt(): Promise<never> {
    return Promise.reject(notSupported("Signing tokens (auth.signJwt)"));
  }
}

/** Who called, as the execution may know it: a copy. What calls into a component, or out of one, calls for nobody. */
export function identityOf({ component, request, parent }: Execution): UserIdentity | null {
  for (let caller = parent; caller !== null; caller = caller.parent) {
    if (caller.component !== component) {
      return null;
    }
  }
  return request.identity === null ? null : { ...request.identity };
}
