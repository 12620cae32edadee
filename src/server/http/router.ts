/** Finds the route for a method and a path. */
import { HttpError } from "./http-error.js";
import type { Route } from "./route.js";

export class Router {
  readonly #exact = new Map<string, Map<string, Route>>();
  readonly #prefixes: readonly Route[];

  constructor(routes: readonly Route[]) {
    this.#prefixes = routes.filter(({ path }) => path.endsWith("/*"));
    for (const route of routes) {
      if (this.#prefixes.includes(route)) continue;
      const methods = this.#exact.get(route.path) ?? new Map<string, Route>();
      methods.set(route.method, route);
      this.#exact.set(route.path, methods);
    }
  }

  /** @throws HttpError 404 for an unknown path, 405 for a known one with another method */
  find(method: string, path: string): Route {
    const methods = this.#exact.get(path);
    const found = methods?.get(method) ?? this.#below(method, path);
    if (found !== undefined) return found;
    if (methods !== undefined) {
      const allowed = [...methods.keys()].join(", ");
      throw new HttpError(405, "MethodNotAllowed", `${path} takes ${allowed}, not ${method}.`);
    }
    throw new HttpError(404, "NotFound", `There is nothing at ${path}.`);
  }

  #below(method: string, path: string): Route | undefined {
    return this.#prefixes.find(
      (route) => route.method === method && path.startsWith(route.path.slice(0, -1)),
    );
  }
}
