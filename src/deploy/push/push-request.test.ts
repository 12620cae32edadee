import { expect, test } from "vitest";
import { parsePushRequest } from "./push-request.js";

const schema = { path: "schema.js", source: "s", sourceMap: "{}", environment: "isolate" };

/** A push as the CLI sends it, with some of it replaced. */
function push(app: object = {}, rest: object = {}): unknown {
  return {
    adminKey: "key",
    dryRun: false,
    forCodegen: false,
    functions: "convex/",
    appDefinition: {
      definition: { path: "convex.config.js", source: "d", environment: "isolate" },
      dependencies: ["../lib/counter"],
      schema,
      changedModules: [{ path: "dir/mod.js", source: "m", environment: "node" }],
      unchangedModuleHashes: [{ path: "old.js", environment: "isolate", sha256: "ab" }],
      udfServerVersion: "1.48.0",
      ...app,
    },
    componentDefinitions: [
      {
        definitionPath: "../lib/counter",
        definition: { path: "convex.config.js", source: "c", environment: "isolate" },
        dependencies: [],
        schema: null,
        functions: [],
        udfServerVersion: "1.48.0",
      },
    ],
    nodeDependencies: [],
    ...rest,
  };
}

test("a push is the app and its components", () => {
  const { definitions, ...request } = parsePushRequest(push());
  expect(request).toEqual({
    dryRun: false,
    forCodegen: false,
    functionsFolder: "convex/",
    nodeVersion: null,
  });
  expect(definitions.map(({ definitionPath }) => definitionPath)).toEqual(["", "../lib/counter"]);
  expect(definitions[0]).toMatchObject({
    dependencies: ["../lib/counter"],
    schema,
    modules: [{ path: "dir/mod.js", source: "m", environment: "node" }],
    unchangedModules: [{ path: "old.js", sha256: "ab" }],
  });
  expect(definitions[1]).toMatchObject({ schema: null, modules: [] });
});

test.each([
  ["nothing", undefined, "the request"],
  ["no app", { appDefinition: undefined }, "appDefinition"],
  ["a wrong flag", { dryRun: "yes" }, "dryRun"],
  ["no list of components", { componentDefinitions: {} }, "componentDefinitions"],
])("%s is refused with its place", (_what, rest, place) => {
  const body = rest === undefined ? undefined : push({}, rest);
  expect(() => parsePushRequest(body)).toThrow(
    expect.objectContaining({ code: "INVALID_REQUEST", message: expect.stringContaining(place) }),
  );
});

test.each([
  "../up.js",
  "/etc/passwd.js",
  "a/../../b.js",
  "C:\\x.js",
  "a\0b.js",
  "a//b.js",
  "notes.txt",
  "..",
])("a module at %j is refused: it would be a file elsewhere, or no module", (path) => {
  const body = push({ changedModules: [{ path, source: "", environment: "isolate" }] });
  expect(() => parsePushRequest(body)).toThrow(/appDefinition\.changedModules\[0\]\.path/);
});

test("two modules at one path are refused", () => {
  const module = { path: "a.js", source: "", environment: "isolate" };
  expect(() => parsePushRequest(push({ changedModules: [module, module] }))).toThrow(/"a.js" is there twice/);
});
