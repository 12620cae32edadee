import { expect, test } from "vitest";
import { convexGlobals } from "../../functions/index.js";
import { CodeInstance } from "./code-instance.js";
import { moduleText } from "./module-text.js";

function instanceOf(sources: Readonly<Record<string, string>>, isForNode = false): CodeInstance {
  const codes = Object.entries(sources).map(
    ([path, source]) => [path, () => ({ text: moduleText(source), isForNode })] as const,
  );
  return new CodeInstance(new Map(codes), process.cwd(), convexGlobals());
}

const runMain = (sources: Readonly<Record<string, string>>): Promise<Record<string, unknown>> =>
  instanceOf(sources).import("main.js");

test("every form of an export is exported", async () => {
  const exported = await runMain({
    "main.js": `export const a = 1, { b, c: [d = 4] } = { b: 2, c: [] };
      export function f() { return 5; }
      export class K {}
      export default () => 6;
      const x = 7; export { x, x as "any text" };
      export * from "./other.js"; export * as all from "./other.js"; export { y as z } from "./other.js";`,
    "other.js": "export const y = 8; export default 9; export { y as __proto__ };",
  });
  const { f, K, default: six, all, ...rest } = exported as Record<string, () => unknown>;
  expect(rest).toEqual({ a: 1, b: 2, d: 4, x: 7, "any text": 7, y: 8, z: 8, ["__proto__"]: 8 });
  expect([f?.(), six?.(), typeof K]).toEqual([5, 6, "function"]);
  expect(Object.keys(all ?? {})).toEqual(["__proto__", "default", "y"]);
});

test("a function exported by default is there before its module, with and without a name", async () => {
  const main = 'import "./user.js"; export default function NAME() { return 1; }';
  const user = 'import make from "./main.js"; globalThis.made = make();';
  for (const name of ["", "named"]) {
    const instance = instanceOf({
      "main.js": main.replace("NAME", name),
      "user.js": user,
      "last.js": "export const { made } = globalThis;",
    });
    await instance.import("main.js");
    expect({ ...(await instance.import("last.js")) }).toEqual({ made: 1 });
  }
});

test("an importer sees each change of a variable, also through other modules and through destructuring", async () => {
  const { read } = await runMain({
    "main.js": `import { n, m, set } from "./through.js"; import * as all from "./counter.js";
      export const read = () => { const before = [n, m]; set(); return [...before, n, m, all.n]; };`,
    "through.js": 'export { n, m, set } from "./counter.js";',
    "counter.js": "export let n = 0; export let m = 0; export function set() { n++; [m] = [2]; }",
  });
  expect((read as () => unknown)()).toEqual([0, 0, 1, 2, 1]);
});

test("modules that import each other see variables as soon as they are set, and not before", async () => {
  const { result } = await runMain({
    "main.js": `import { early, late } from "./b.js"; export const a = 1; export const result = [early, late()];`,
    "b.js": `import { a } from "./main.js"; let seen; try { seen = a; } catch (error) { seen = error.name; }
      export const early = seen; export const late = () => a;`,
  });
  expect(result).toEqual(["ReferenceError", 1]);
});

test("each module is evaluated once, in the order of imports, also where some await", async () => {
  const log = (name: string, more = ""): string => `(globalThis.order ??= []).push("${name}");${more}`;
  const instance = instanceOf({
    "main.js": `import "./a.js"; import "./b.js"; ${log("main")} export const { order } = globalThis;`,
    "a.js": `import "./c.js"; ${log("a", "await new Promise((r) => setTimeout(r, 5));")} ${log("a2")}`,
    "b.js": `import "./c.js"; ${log("b")}`,
    "c.js": log("c"),
  });
  const [one, two] = await Promise.all([instance.import("main.js"), instance.import("main.js")]);
  expect(one).toBe(two);
  expect(one["order"]).toEqual(["c", "a", "a2", "b", "main"]);
});

test("a module that throws fails whoever imports it, each time with the same error, and nobody else", async () => {
  const instance = instanceOf({
    "bad.js": 'throw new Error("no");',
    "user.js": 'import "./bad.js";',
    "good.js": "export const fine = true;",
  });
  const errors = await Promise.all(
    ["bad.js", "user.js", "bad.js"].map((path) => instance.import(path).catch((error: unknown) => error)),
  );
  expect(new Set(errors).size).toBe(1);
  expect(String(errors[0])).toBe("Error: no");
  expect({ ...(await instance.import("good.js")) }).toEqual({ fine: true });
});

test("a name that is not exported, and a module that is not there, are errors", async () => {
  await expect(runMain({ "main.js": 'import { x } from "./b.js";', "b.js": "" })).rejects.toThrow(
    "The requested module './b.js' does not provide an export named 'x'",
  );
  await expect(runMain({ "main.js": 'import { x } from "node:fs";' })).rejects.toThrow(SyntaxError);
  await expect(runMain({ "main.js": 'import "./b.js";' })).rejects.toThrow("Cannot find module './b.js'");
  await expect(runMain({ "main.js": "import {" })).rejects.toThrow(SyntaxError);
});

test("import.meta, import() and packages are as in Node", async () => {
  const exported = await runMain({
    "dir/main.js": `import { v } from "convex/values"; import { join } from "node:path";
      export const url = import.meta.url; export const two = (await import("./two.js")).two;
      export const outside = [typeof v.string, join("a", "b"), (await import("node:path")).join("c", "d")];`,
    "dir/two.js": "export const two = 2;",
    "main.js": 'export * from "./dir/main.js";',
  });
  expect(exported).toMatchObject({ two: 2, outside: ["function", "a/b", "c/d"] });
  expect(exported["url"]).toBe(new URL("dir/main.js", `file://${process.cwd()}/`).href);
});

test("what stands in texts, templates and expressions is left alone, and so are lines", async () => {
  const { text, line } = await runMain({
    "main.js": `import {
        a,
      } from "./a.js"; export
      const text = \`import.meta \${"export default"} /*import("x")*/ \${a}\`;
      export const line = new Error().stack.match(/main\\.js:(\\d+)/)[1];`,
    "a.js": "export default 1; export const a = /export {}/.source;",
  });
  expect([text, line]).toEqual(['import.meta export default /*import("x")*/ export {}', "5"]);
});

test("only modules for Node can require", async () => {
  const sources = { "main.js": "export const kind = [typeof require, typeof __dirname, typeof module];" };
  expect({ ...(await runMain(sources)) }).toEqual({ kind: ["undefined", "undefined", "undefined"] });
  expect({ ...(await instanceOf(sources, true).import("main.js")) }).toEqual({
    kind: ["function", "string", "undefined"],
  });
});
