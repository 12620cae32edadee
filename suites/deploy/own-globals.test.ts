/** What pushed code does to globals stays with that code, whatever it does while it is imported or while it runs. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { memory, openBackend, type Backend } from "trueup";
import { afterEach, beforeEach, expect, test } from "vitest";
import { call } from "../setup/open-app.js";
import { functionSource as fn, pushedModule, pushRequest } from "./hand-made-push.js";

let backend: Backend;
beforeEach(async () => {
  backend = await openBackend({ storage: memory(), log: "silent" });
});
afterEach(async () => await backend.close());

/** Pushes one module with a query `get` that returns what the body does. */
async function push(top: string, body: string, environment = "isolate"): Promise<void> {
  const kind = environment === "node" ? "Action" : "Query";
  const source = `${top}\nexport const get = ${fn(kind, body)};`;
  const request = pushRequest({ modules: [pushedModule("app.js", source, environment)] });
  await backend.deploy.finishPush({ startPush: await backend.deploy.startPush(request) });
}

const get = (): Promise<unknown> => call(backend, "app:get", {});

test.each([
  ["replaced", "globalThis.Buffer = class Polyfill {};", "Buffer.name", "Polyfill"],
  ["replaced by a bare name", "Buffer = class Polyfill {};", "globalThis.Buffer.name", "Polyfill"],
  ["defined", 'Object.defineProperty(globalThis, "fetch", { value: 1 });', "typeof fetch", "number"],
  ["deleted", "delete globalThis.structuredClone;", "typeof structuredClone", "undefined"],
  ["a class", "globalThis.Promise = class Mine extends Promise {};", "Promise.name", "Mine"],
  ["a timer", "globalThis.setTimeout = () => 1;", "String(setTimeout)", "() => 1"],
  ["added", "globalThis.window = globalThis;", "typeof window + typeof globalThis.window", "objectobject"],
  ["of the console", "console.log = () => 2;", "String(console.log)", "() => 2"],
  ["set in the environment", "process.env.MINE = 3;", "String(process.env.MINE)", "3"],
  ["deleted from the environment", "delete process.env.PATH;", "'PATH' in process.env", false],
  ["of the process", "process.version = 5;", "process.version", 5],
  ["frozen", "Object.freeze(globalThis);", "Object.isFrozen(globalThis)", true],
])(
  "a global that is %s is so for the code that did it, and for nobody else",
  async (_how, top, read, seen) => {
    const before = snapshot();
    await push(top, `return ${read};`);
    expect(await get()).toEqual(seen);
    expect(snapshot()).toEqual(before);
    await push("", `return ${read};`);
    expect(await get().catch(() => "an error")).not.toEqual(seen);
  },
);

/** What the engine would meet. */
function snapshot(): Record<string, unknown> {
  const names = ["Buffer", "Promise", "fetch", "structuredClone", "setTimeout", "window"] as const;
  return {
    ...Object.fromEntries(names.map((name) => [name, Reflect.get(globalThis, name)])),
    log: console.log,
    warn: console.warn,
    version: process.version,
    path: process.env["PATH"],
    mine: process.env["MINE"],
    isFrozen: [Object.isFrozen(globalThis), Object.isFrozen(console), Object.isFrozen(process)],
  };
}

test.each([
  "Array.prototype.map = () => { throw new Error('mine'); };",
  "delete Array.prototype.map;",
  "Promise.prototype.then = function () {};",
  "Object.keys = () => [];",
  "JSON.stringify = () => 'mine';",
  "Error.prototype.toString = () => { throw 1; }; Error[Symbol.hasInstance] = () => false;",
  "Object.defineProperty(Map.prototype, 'size', { get: () => 7 });",
  "Object.prototype.mine = 1; Array.prototype.mine = 2;",
  "for (const it of [Object, Array, Map, Error, Promise]) { Object.freeze(it); Object.freeze(it.prototype); }",
  "Function('return this')().Buffer = 1;",
])("built-ins are as before after an import that did: %s", async (top) => {
  const { map } = Array.prototype;
  await push(top, "return [1].map((n) => new Map([[n, n]]).size);");
  expect(await get()).toEqual([1]);
  expect([Array.prototype.map, Object.isFrozen(Array.prototype), typeof Buffer]).toEqual([
    map,
    false,
    "function",
  ]);
  expect(Object.keys(Array.prototype)).toEqual([]);
  await push("", "return 'another push';");
  expect(await get()).toBe("another push");
});

test("what an import does to built-ins is seen by the modules that are imported with it, and by nobody after it", async () => {
  const polyfill = pushedModule(
    "_deps/polyfill.js",
    "Array.prototype.at = () => 'mine'; Array.prototype.mine = 1;",
  );
  const source = `import "./_deps/polyfill.js"; const seen = [7].at(0); export const get = ${fn("Query", "return [seen, [7].at(0)];")};`;
  const request = pushRequest({ modules: [polyfill, pushedModule("app.js", source)] });
  await backend.deploy.finishPush({ startPush: await backend.deploy.startPush(request) });
  expect(await get()).toEqual(["mine", 7]);
  expect([Object.keys(Array.prototype), [7].at(0)]).toEqual([[], 7]);
});

test("values that pass between the code and the engine are of the same classes", async () => {
  const top = "export const make = () => new Uint8Array(2).buffer;";
  await push(
    top,
    "return [args instanceof Object, make(), [make() instanceof ArrayBuffer, new TypeError() instanceof Error]];",
  );
  expect(await get()).toEqual([true, new ArrayBuffer(2), [true, true]]);
});

test("a response whose status has no body may be given one, as on Convex", async () => {
  const top = "class Mine extends Response {} const made = new Mine('', { status: 204 });";
  await push(
    top,
    "return [made.status, made.body, Response.json(1) instanceof Response, made instanceof Response];",
  );
  expect(await get()).toEqual([204, null, true, true]);
  await push("", "return await new Response('text', { status: 201 }).text();");
  expect(await get()).toBe("text");
});

test("the Convex global is there while code is imported, and refuses calls until a function runs", async () => {
  const top = `const kind = typeof Convex; let refused; try { Convex.syscall("1.0/getSnapshotTs", "{}"); } catch { refused = true; }`;
  await push(top, "return [kind, refused];");
  expect(await get()).toEqual(["object", true]);
});

test.each([
  ["", "process.exit(3)"],
  ["const { exit } = process;", "exit(3)"],
  ['import { exit } from "node:process";', "exit(3)"],
  ['import process from "process";', "process.abort()"],
  ['import process from "process";', "process.kill(process.pid)"],
  ["", "process.chdir('/')"],
])("a function cannot end the process or change it for others: %s %s", async (top, expression) => {
  await push(top, `return ${expression};`, "node");
  await expect(get()).rejects.toMatchObject({ code: "INVALID_CALL" });
});

test("a module that ends the process while it is imported is refused", async () => {
  await expect(push("process.exit(3);", "return 1;")).rejects.toMatchObject({ code: "MODULE_FAILED" });
});

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

test("code that was replaced is given back", async () => {
  const programs: WeakRef<object>[] = [];
  for (let n = 0; n < 12; n++) {
    await push(
      `const large = new Array(1e5).fill(${n}); export const at = (i) => large[i];`,
      "return at(5);",
    );
    expect(await get()).toBe(n);
    programs.push(new WeakRef(backend.program));
  }
  await expect
    .poll(() => {
      collect();
      return programs.filter((each) => each.deref() !== undefined).length;
    })
    .toBeLessThanOrEqual(3);
});

test("so is all that was made of its text", async () => {
  const pushes = 6;
  const lines = Array.from({ length: 2000 }, (_, k) => `export function f${k}(n) { return n + ${k}; }`);
  const heapAfter = async (first: number): Promise<number> => {
    for (let n = first; n < first + pushes; n++) {
      await push(lines.join(`// ${n}\n`), "return f5(1);");
      expect(await get()).toBe(6);
    }
    await push("", "return 0;");
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = await heapAfter(0);
  await expect
    .poll(async () => (await heapAfter(pushes)) - before)
    .toBeLessThan(pushes * lines.join().length);
});
