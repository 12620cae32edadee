/**
 * Finds the providers that `auth.config` names. Its bundle usually reads them from environment variables of the deployment. It
 * is evaluated with a `process` of its own, so that variables of the server's process do not leak in, and so that a
 * missing variable can be named.
 */
import { TrueupError } from "../../errors/index.js";
import { importSource, moduleFailed, type ModuleName } from "../code/import-source.js";
import type { Environment } from "../definitions/component-tree.js";
import type { PushedModule } from "./push-request.js";

/** A provider of identities, as the CLI and the clients know them. */
export type AuthProvider =
  | { readonly domain: string; readonly applicationID: string }
  | {
      readonly type: "customJwt";
      readonly applicationID: string | null;
      readonly issuer: string;
      readonly jwks: string;
      readonly algorithm: string;
    };

const environments = new Map<string, Environment>();
const lookUp = Symbol.for("trueup.authEnvironments");

/** @throws MODULE_FAILED, AUTH_CONFIG_MISSING_ENVIRONMENT_VARIABLE */
export async function evaluateAuthConfig(module: PushedModule, env: Environment): Promise<AuthProvider[]> {
  const name: ModuleName = { definitionPath: "", modulePath: module.path };
  const missing = new Set<string>();
  const exported = await withProcess(env, missing, (preamble) =>
    importSource(name, preamble + module.source),
  );
  const providers = (exported["default"] as { providers?: unknown } | undefined)?.providers;
  if (!Array.isArray(providers)) {
    throw moduleFailed(name, new Error("its default export must have a list of providers"));
  }
  return providers.map((provider: unknown) => {
    const read = readProvider(provider);
    if (read !== null) return read;
    const [variable] = missing;
    if (variable !== undefined) throw missingVariable(variable);
    throw moduleFailed(
      name,
      new Error(
        'a provider needs `domain` and `applicationID`, or `type: "customJwt"`, `issuer`, `jwks` and `algorithm`',
      ),
    );
  });
}

let evaluations = 0;

/** Runs with a first line for the module, which gives it a `process.env` of its own. */
async function withProcess<T>(
  env: Environment,
  missing: Set<string>,
  run: (preamble: string) => Promise<T>,
): Promise<T> {
  evaluations += 1;
  const key = String(evaluations);
  const noting = new Proxy(env, {
    get(target, variable) {
      const value: unknown = Reflect.get(target, variable);
      if (typeof variable === "string" && value === undefined) missing.add(variable);
      return value;
    },
  });
  environments.set(key, noting);
  Reflect.set(globalThis, lookUp, environments);
  try {
    const look = `globalThis[Symbol.for(${JSON.stringify(Symbol.keyFor(lookUp))})].get("${key}")`;
    return await run(`const process={...globalThis.process,env:${look}};`);
  } finally {
    environments.delete(key);
  }
}

function readProvider(provider: unknown): AuthProvider | null {
  if (typeof provider !== "object" || provider === null) return null;
  const { type, applicationID, domain, issuer, jwks, algorithm } = provider as Record<string, unknown>;
  if (type === "customJwt") {
    return typeof issuer === "string" && typeof jwks === "string" && typeof algorithm === "string"
      ? {
          type,
          applicationID: typeof applicationID === "string" ? applicationID : null,
          issuer,
          jwks,
          algorithm,
        }
      : null;
  }
  return typeof domain === "string" && typeof applicationID === "string" ? { domain, applicationID } : null;
}

function missingVariable(variable: string): TrueupError {
  return new TrueupError(
    "AUTH_CONFIG_MISSING_ENVIRONMENT_VARIABLE",
    `Environment variable ${variable} is used in auth config file but its value was not set.`,
    { variable },
  );
}
