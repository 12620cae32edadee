import { expect, test } from "vitest";
import { manifestText, neededRanges, newManifest, withApp } from "./manifest.js";

const own = { version: "1.2.3", convex: "^1.48.0", betterSqlite3: "^12.11.1 || ^13.2.0" };

test.each([
  ["20.19.0", { convex: "~1.48.0", "better-sqlite3": "^12.11.1" }],
  ["22.23.3", { convex: "^1.48.0", "better-sqlite3": "^13.2.0" }],
  ["24.15.0", { convex: "^1.48.0", "better-sqlite3": "^13.2.0" }],
  ["24.16.0", { convex: "^1.48.0" }],
  ["26.0.0", { convex: "^1.48.0" }],
])("an app on Node %s needs %j", (node, expected) => {
  expect(neededRanges(node, own)).toEqual({ ...expected, trueup: "^1.2.3" });
});

test("the script is dev where that is free, dev:backend where it is not, and none where one starts Trueup", () => {
  const scriptsOf = (scripts: Record<string, string>): unknown => withApp({ scripts }, {}).scripts;
  expect(withApp({}, {}).scripts).toEqual({ dev: "trueup dev" });
  expect(scriptsOf({ dev: "vite" })).toEqual({ dev: "vite", "dev:backend": "trueup dev" });
  expect(scriptsOf({ server: "npx trueup dev --port 4000" })).toEqual({
    server: "npx trueup dev --port 4000",
  });
  expect(scriptsOf({ dev: "vite", "dev:backend": "go run ." })).toEqual({
    dev: "vite",
    "dev:backend": "go run .",
  });
});

test("packages that the app has are left at their versions, wherever they stand", () => {
  const has = { dependencies: { zod: "4" }, devDependencies: { convex: "1.40.0" } };
  expect(withApp(has, { convex: "^1.48.0", trueup: "^1.2.3" })).toMatchObject({
    dependencies: { trueup: "^1.2.3", zod: "4" },
    devDependencies: { convex: "1.40.0" },
  });
});

test("the text keeps its indentation and line ends", () => {
  const after = { scripts: { dev: "vite" } };
  expect(manifestText(after, '{\n\t"name": "a"\n}')).toBe('{\n\t"scripts": {\n\t\t"dev": "vite"\n\t}\n}');
  expect(manifestText({ name: "a" }, '{\r\n    "name": "b"\r\n}\r\n')).toBe('{\r\n    "name": "a"\r\n}\r\n');
  expect(manifestText({ name: "a" }, "")).toBe('{\n  "name": "a"\n}\n');
});

test("a new package is named after its folder, as far as npm allows", () => {
  expect(["My App", "_x_", "…"].map((folder) => newManifest(folder).name)).toEqual(["my-app", "x", "app"]);
});
