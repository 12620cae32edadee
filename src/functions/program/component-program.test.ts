import aggregateTest from "@convex-dev/aggregate/test";
import { defineApp, defineComponent, defineSchema, defineTable, queryGeneric } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { programFromModules, type ComponentProgram } from "./component-program.js";
import { functionHandle, loadProgram } from "./loaded-program.js";

function tree(program: ComponentProgram): unknown {
  return Object.fromEntries(Object.entries(program.children).map(([name, c]) => [name, tree(c)]));
}

/** A configuration as an app writes it: it throws outside of Convex's bundler, unless it is helped. */
const config = (): Promise<Record<string, unknown>> => {
  const worker = defineComponent("worker");
  const counter = defineComponent("counter");
  counter.use(worker);
  const app = defineApp();
  app.use(counter, { name: "byScore" });
  app.use(counter, { name: "byUser" });
  return Promise.resolve({ default: app });
};

test("convex.config names the instances, and components gives their code once", async () => {
  const program = await programFromModules({
    modules: { "./convex/convex.config.ts": config },
    components: { counter: aggregateTest },
  });
  expect(tree(program)).toEqual({ byScore: { worker: {} }, byUser: { worker: {} } });
  expect(program.children["byUser"]?.children["worker"]?.path).toBe("byUser/worker");
  expect(program.children["byScore"]?.schema?.tables.map((t) => t.tableName)).toContain("btreeNode");
  expect("componentDefinitionPath" in {}).toBe(false);

  const loaded = await loadProgram(program);
  const insert = loaded.root.resolve("_reference/childComponent/byUser/public/insert");
  expect([insert.component.path, insert.path, insert.kind]).toEqual(["byUser", "public:insert", "mutation"]);
  expect(loaded.resolve(loaded.root, functionHandle(insert))).toBe(insert);
  expect(() => loaded.root.resolve("_reference/childComponent/byUsr/public/insert")).toThrow("byUser");
  expect(() => loaded.root.resolve("_reference/childComponent/byUser/worker/getBatch")).toThrow(
    "Could not find public function",
  );
  expect(() => loaded.component("byUser").resolve("_reference/childComponent/worker/lib/ping")).toThrow(
    "its code was not given",
  );
});

test("a configuration that only a bundler can import gives way to the keys of components", async () => {
  const modules = { "./convex/convex.config.ts": () => Promise.reject(new Error("no extension")) };
  const program = await programFromModules({ modules, components: { byScore: aggregateTest } });
  expect(tree(program)).toEqual({ byScore: {} });
  await expect(programFromModules({ modules })).rejects.toMatchObject({ code: "MODULE_FAILED" });
});

test("without convex.config each entry of components is an instance, nested ones too", async () => {
  const program = await programFromModules({
    modules: { "./convex/a.ts": () => Promise.resolve({}) },
    components: { outer: { modules: {}, components: { inner: { modules: {} } } } },
  });
  expect(tree(program)).toEqual({ outer: { inner: {} } });
});

test("mounting a component without giving its code is refused by name", async () => {
  await expect(
    programFromModules({ modules: { "./convex/convex.config.ts": config } }),
  ).rejects.toMatchObject({ code: "COMPONENT_MISSING", details: { componentPath: "byScore" } });
});

test("the schema is the option, else the schema module's default export, else none", async () => {
  const schema = defineSchema({ notes: defineTable({ text: v.string() }) });
  const tables = async (source: Parameters<typeof programFromModules>[0]): Promise<unknown> =>
    (await programFromModules(source)).schema?.tables.map((table) => table.tableName);
  const modules = { "./convex/schema.ts": { default: schema } };
  expect(await tables({ modules })).toEqual(["notes"]);
  expect(await tables({ modules, schema: null })).toBeUndefined();
  expect(await tables({ modules: {}, schema })).toEqual(["notes"]);
  expect(await tables({ modules: {} })).toBeUndefined();
});

test("a module that throws fails the load, or only its own functions", async () => {
  const program = await programFromModules({
    modules: {
      "./convex/good.ts": { list: queryGeneric(() => Promise.resolve(1)), helper: () => 1 },
      "./convex/bad.ts": () => Promise.reject(new Error("no API key")),
    },
  });
  await expect(loadProgram(program)).rejects.toMatchObject({ code: "MODULE_FAILED" });
  const loaded = await loadProgram(program, { moduleFailures: "defer" });
  expect(loaded.functions().map((fn) => fn.path)).toEqual(["good:list"]);
  expect(() => loaded.root.functionAt("bad:any")).toThrow("no API key");
  expect(() => loaded.root.functionAt("good:lst")).toThrow("Did you mean 'good:list'?");
  expect(() => loaded.root.functionAt("good:helper")).toThrow("Could not find function");
});
