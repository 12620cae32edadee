/**
 * Makes a push as it was sent the code of a program: evaluates configurations and schemas, and takes unchanged modules from the
 * program that runs. Nothing of it runs as a function yet, and nothing is stored.
 */
import { randomUUID } from "node:crypto";
import { TrueupError } from "../../errors/index.js";
import { parseSchema, type SchemaJson, type SchemaSource } from "../../schema/index.js";
import { evaluateAuth } from "./auth-config.js";
import { importSource, moduleFailed, type ModuleName } from "../code/import-source.js";
import { moduleHash } from "../code/program-code.js";
import type { CodeModule, DefinitionCode, ProgramCode } from "../code/program-code.js";
import type { Environment } from "../definitions/component-tree.js";
import { evaluateDefinitions } from "../definitions/convex-config.js";
import type { PushedDefinition, PushRequest } from "./push-request.js";

/**
 * @param active The program that runs, which still has the modules that are sent as hashes.
 * @throws MODULE_FAILED, INVALID_COMPONENTS, INVALID_SCHEMA, PUSH_OUTDATED
 */
export async function evaluatePush(
  request: PushRequest,
  env: Environment,
  active: ProgramCode | null,
): Promise<ProgramCode> {
  const evaluated = await evaluateDefinitions(request.definitions);
  const definitions = new Map<string, DefinitionCode>();
  for (const pushed of request.definitions) {
    const definition = evaluated.get(pushed.definitionPath);
    if (definition === undefined) throw new Error(`not evaluated: ${pushed.definitionPath}`);
    definitions.set(pushed.definitionPath, {
      definition,
      serverVersion: pushed.serverVersion,
      schema: await evaluateSchema(pushed),
      modules: allModules(pushed, active?.definitions.get(pushed.definitionPath)),
    });
  }
  return {
    pushId: randomUUID(),
    functionsFolder: request.functionsFolder,
    nodeVersion: request.nodeVersion,
    message: null,
    auth: await evaluateAuth(definitions.get(""), env),
    crons: {},
    definitions,
  };
}

async function evaluateSchema({ definitionPath, schema }: PushedDefinition): Promise<SchemaJson | null> {
  if (schema === null) return null;
  const name: ModuleName = { definitionPath, modulePath: schema.path };
  const exported = (await importSource(name, schema.source))["default"];
  if (typeof exported !== "object" || exported === null) {
    throw moduleFailed(name, new Error("its default export must be made by defineSchema"));
  }
  return parseSchema(exported as SchemaSource);
}

function allModules(pushed: PushedDefinition, known: DefinitionCode | undefined): CodeModule[] {
  const kept = pushed.unchangedModules.map(({ path, environment, sha256 }) => {
    const found = known?.modules.find((module) => module.path === path && module.sha256 === sha256);
    if (found === undefined) {
      throw new TrueupError("PUSH_OUTDATED", `The module ${path} has changed since this push began.`, {
        path,
      });
    }
    return found.environment === environment ? found : { ...found, environment };
  });
  return [...pushed.modules.map((module) => ({ ...module, sha256: moduleHash(module) })), ...kept];
}
