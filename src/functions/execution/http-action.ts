/** Runs the HTTP action that an app's router has for a request. */
import { TrueupError } from "../../errors/index.js";
import { actionContext } from "../context/contexts.js";
import type { LoadedComponent } from "../program/loaded-component.js";
import type { LoadedProgram } from "../program/loaded-program.js";
import type { Handler } from "../program/registered-function.js";
import { currentExecution, Execution, type Engine, type Request as CallRequest } from "./execution.js";
import { callFromAction } from "./run.js";

/**
 * Answers a request by the router of a component. Returns null when it has no route for the path and the method. Rejects with
 * what the action throws.
 * @throws INVALID_RETURN when the action returns no Response, FUNCTION_TIMEOUT
 */
export async function runHttpAction(
  engine: Engine,
  program: LoadedProgram,
  component: LoadedComponent,
  callRequest: CallRequest,
  request: Request,
): Promise<Response | null> {
  await component.prepareModule("http");
  const { pathname } = new URL(request.url);
  const [action, method, path] = component.router?.lookup(pathname, request.method) ?? [];
  if (action === undefined) {
    return null;
  }
  const handler = (action as { _handler?: Handler })._handler ?? (action as Handler);
  const subject = { kind: "action", path: `${method} ${path}`, visibility: "public" } as const;
  const execution = new Execution({
    engine,
    program,
    component,
    subject,
    request: callRequest,
    scope: null,
    parent: null,
  });
  const ctx = actionContext(execution, callFromAction);
  const response = await engine.within(execution, () =>
    currentExecution.run(execution, async () => await handler(ctx, request)),
  );
  if (!(response instanceof Response)) {
    throw new TrueupError("INVALID_RETURN", `The HTTP action at ${method} ${path} returned no Response.`, {
      path: subject.path,
    });
  }
  return response;
}
