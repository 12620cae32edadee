import { expect, test } from "vitest";
import type { PushedDefinition } from "../push/push-request.js";
import { componentTree, checkEnvironment, type ComponentInstance } from "./component-tree.js";
import { evaluateDefinitions } from "./convex-config.js";

/** A child that a configuration uses: its path, and the name and environment given to it, if any. */
interface Use {
  readonly path: string;
  readonly name?: string;
  readonly env?: object;
}

/** A bundle of `convex.config` in what the `convex` package makes of one, reduced to what is read. */
function config(
  path: string,
  ownName: string | null,
  uses: readonly Use[] = [],
  envVars?: object,
): PushedDefinition {
  const importPath = (used: string): string => `./_componentDeps/${Buffer.from(used).toString("base64url")}`;
  const imports = uses.map(({ path: used }, n) => `import c${n} from "${importPath(used)}";`).join("");
  const children = uses
    .map(
      ({ name, env }, n) =>
        `{name:${name === undefined ? `c${n}.defaultName` : JSON.stringify(name)},path:c${n}.componentDefinitionPath,args:[],env:${JSON.stringify(env ?? null)}}`,
    )
    .join(",");
  const type = ownName === null ? { type: "app" } : { type: "childComponent", name: ownName };
  const source = `${imports}export default{export(){return{definitionType:${JSON.stringify(type)},childComponents:[${children}],httpMounts:{},exports:{type:"branch",branch:[]},envVars:${JSON.stringify(envVars ?? [])}}}}`;
  return {
    definitionPath: path,
    definition: { path: "convex.config.js", source, environment: "isolate" },
    dependencies: [...new Set(uses.map(({ path: used }) => used))],
    schema: null,
    modules: [],
    unchangedModules: [],
    serverVersion: "1.48.0",
  };
}

function paths(instance: ComponentInstance): string[] {
  return [instance.componentPath, ...Object.values(instance.children).flatMap(paths)];
}

test("children are evaluated before parents, which take their names from them", async () => {
  const definitions = await evaluateDefinitions([
    config("", null, [{ path: "../outer" }, { path: "../inner", name: "mine" }]),
    config("../outer", "outer", [{ path: "../inner" }]),
    config("../inner", "inner"),
  ]);
  expect(paths(componentTree(definitions, {}))).toEqual(["", "outer", "outer/inner", "mine"]);
});

test("an app without a configuration has no components", async () => {
  const definitions = await evaluateDefinitions([{ ...config("", null), definition: null }]);
  expect(paths(componentTree(definitions, {}))).toEqual([""]);
});

test("one definition can be mounted many times, each with an environment of its own", async () => {
  const bind = (value: string): object => [["LEVEL", { type: "value", value }]];
  const definitions = await evaluateDefinitions([
    config("", null, [
      { path: "../c", name: "a", env: bind("low") },
      { path: "../c", name: "b", env: bind("high") },
      { path: "../c", name: "d", env: [["LEVEL", { type: "envVar", name: "APP_LEVEL" }]] },
      { path: "../c", name: "e", env: [["LEVEL", { type: "envVar", name: "MISSING" }]] },
    ]),
    config("../c", "c"),
  ]);
  const { children } = componentTree(definitions, { APP_LEVEL: "app's" });
  expect(Object.values(children).map(({ env }) => env)).toEqual([
    { LEVEL: "low" },
    { LEVEL: "high" },
    { LEVEL: "app's" },
    {},
  ]);
});

test("required environment variables that are missing are named, all of them", async () => {
  const text = { type: "value", value: '{"type":"string"}' };
  const definitions = await evaluateDefinitions([
    config(
      "",
      null,
      [{ path: "../c" }],
      [
        ["KEY", text],
        ["EXTRA", { ...text, optional: true }],
      ],
    ),
    config("../c", "c", [], [["LEVEL", text]]),
  ]);
  const check = (env: Record<string, string>) => () => checkEnvironment(componentTree(definitions, env));
  expect(check({})).toThrow("are not set: KEY, c:LEVEL.");
  expect(check({ KEY: "1" })).toThrow("are not set: c:LEVEL.");
});

test("components that use each other in a circle are refused, with the circle", async () => {
  const pushed = [
    config("", null, [{ path: "../a" }]),
    config("../a", "a", [{ path: "../b" }]),
    config("../b", "b", [{ path: "../a" }]),
  ];
  await expect(evaluateDefinitions(pushed)).rejects.toMatchObject({
    code: "INVALID_COMPONENTS",
    details: { circle: ["../a", "../b", "../a"] },
  });
});

test.each([
  [
    "mounted twice under one name",
    [config("", null, [{ path: "../c" }, { path: "../c" }]), config("../c", "c")],
  ],
  [
    "with a name that is none",
    [config("", null, [{ path: "../c", name: "not a name" }]), config("../c", "c")],
  ],
  ["that was not pushed", [config("", null, [{ path: "../c" }])]],
])("a component %s is refused", async (_what, pushed) => {
  await expect(evaluateDefinitions(pushed)).rejects.toMatchObject({ code: "INVALID_COMPONENTS" });
});

test("a configuration that throws, or is none, is named", async () => {
  const withSource = (source: string): PushedDefinition[] => [
    { ...config("", null), definition: { path: "convex.config.js", source, environment: "isolate" } },
  ];
  await expect(evaluateDefinitions(withSource('throw new Error("no luck")'))).rejects.toMatchObject({
    code: "MODULE_FAILED",
    message: "Module 'convex.config.js' failed while it was imported: Error: no luck",
  });
  await expect(evaluateDefinitions(withSource("export default 5"))).rejects.toThrow(/made by defineApp/);
  await expect(evaluateDefinitions([config("", "component")])).rejects.toThrow(/made by defineApp/);
});
