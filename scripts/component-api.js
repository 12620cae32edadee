/**
 * Prints `ComponentApi`, the types of a component's functions as an app sees them, from the validators of their arguments and
 * results, as Convex's code generation does for an app's own components.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";

const header = `/**
 * What \`components.<name>\` of an app is: references to the component's functions. \`npm run build\` writes this file from the
 * validators of the functions.
 */
import type { FunctionReference } from "convex/server";

export type ComponentApi<Name extends string | undefined = string | undefined> = {
`;

/** Takes the exports of the component's modules by their names. */
export function componentApi(modules) {
  const printed = Object.keys(modules)
    .toSorted()
    .map((name) => [name, functionsOf(modules[name])])
    .filter(([, functions]) => functions.length > 0)
    .map(([name, functions]) => `  ${name}: {\n${functions.join("")}  };\n`);
  return `${header}${printed.join("")}};\n`;
}

/** Writes the file of each component from its compiled modules. Returns true when that has changed a file. */
export async function writeComponentApis(compiled, sources) {
  let isChanged = false;
  for (const component of ["aggregate", "migrations"]) {
    const path = join("components", component, "component");
    const names = readdirSync(join(compiled, path)).filter((name) => /^\w+\.js$/.test(name));
    const modules = {};
    for (const name of names) {
      modules[basename(name, ".js")] = await import(pathToFileURL(join(compiled, path, name)).href);
    }
    const file = join(sources, path, "_generated", "component.ts");
    const text = componentApi(modules);
    if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
    writeFileSync(file, text);
    isChanged = true;
  }
  return isChanged;
}

function functionsOf(module) {
  return Object.keys(module)
    .toSorted()
    .filter((name) => module[name]?.isPublic === true)
    .map((name) => {
      const { isQuery, isMutation, exportArgs, exportReturns } = module[name];
      const kind = isQuery ? "query" : isMutation ? "mutation" : "action";
      const [args, returns] = [exportArgs(), exportReturns()].map((json) => typeOf(JSON.parse(json)));
      return `    ${name}: FunctionReference<"${kind}", "internal", ${args}, ${returns}, Name>;\n`;
    });
}

/** The type of the values that a validator accepts. */
function typeOf(validator) {
  switch (validator.type) {
    case "null":
    case "number":
    case "bigint":
    case "boolean":
    case "string":
    case "any":
      return validator.type;
    case "bytes":
      return "ArrayBuffer";
    case "id":
      return "string";
    case "literal":
      return JSON.stringify(validator.value);
    case "array":
      return `Array<${typeOf(validator.value)}>`;
    case "record":
      return `Record<${typeOf(validator.keys)}, ${typeOf(validator.values.fieldType)}>`;
    case "union":
      return validator.value.map(typeOf).join(" | ");
    case "object":
      return objectOf(validator.value);
    default:
      throw new Error(`A function of a component has a validator of the unknown kind ${validator.type}.`);
  }
}

function objectOf(fields) {
  const printed = Object.entries(fields).map(
    ([name, { fieldType, optional }]) => `${name}${optional ? "?" : ""}: ${typeOf(fieldType)}`,
  );
  return printed.length === 0 ? "{}" : `{ ${printed.join("; ")} }`;
}
