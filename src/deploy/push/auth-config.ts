/**
 * Finds the providers that `auth.config` names. Its bundle usually reads them from environment variables of the deployment. It
 * is evaluated with a `process` of its own, so that variables of the server's process do not leak in, and so that a
 * missing variable can be named.
 */
import { TrueupError } from "../../errors/index.js";
import { readAuthProviders, type AuthProvider } from "../../functions/index.js";
import { importSource, moduleFailed, type ModuleName } from "../code/import-source.js";
import { serverVariables } from "../code/environment-store.js";
import type { DefinitionCode } from "../code/program-code.js";
import type { Environment } from "../definitions/component-tree.js";
import type { PushedModule } from "./push-request.js";

/** The module that names the providers. */
export const authModule = "auth.config.js";

/**
 * The providers that the code of an app names.
 * @param env The variables of the deployment; the addresses of the server are added.
 * @throws MODULE_FAILED, AUTH_CONFIG_MISSING_ENVIRONMENT_VARIABLE
 */
export async function evaluateAuth(
  app: DefinitionCode | undefined,
  env: Environment,
): Promise<AuthProvider[]> {
  const module = app?.modules.find(({ path }) => path === authModule);
  return module === undefined ? [] : await evaluateAuthConfig(module, { ...serverAddresses(), ...env });
}

/** Where the server is reached, which providers may be named by: it puts its addresses into the environment of the process. */
function serverAddresses(): Environment {
  const found = [...serverVariables].map((name) => [name, process.env[name]] as const);
  return Object.fromEntries(found.filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** @throws MODULE_FAILED, AUTH_CONFIG_MISSING_ENVIRONMENT_VARIABLE */
export async function evaluateAuthConfig(module: PushedModule, env: Environment): Promise<AuthProvider[]> {
  const name: ModuleName = { definitionPath: "", modulePath: module.path };
  const missing = new Set<string>();
  const noting = new Proxy(env, {
    get(target, variable) {
      const value: unknown = Reflect.get(target, variable);
      if (typeof variable === "string" && value === undefined) missing.add(variable);
      return value;
    },
  });
  const exported = await importSource(name, module.source, { env: noting });
  return readAuthProviders(exported["default"], (reason) => {
    const [variable] = missing;
    return variable === undefined ? moduleFailed(name, new Error(reason)) : missingVariable(variable);
  });
}

function missingVariable(variable: string): TrueupError {
  return new TrueupError(
    "AUTH_CONFIG_MISSING_ENVIRONMENT_VARIABLE",
    `Environment variable ${variable} is used in auth config file but its value was not set.`,
    { variable },
  );
}
