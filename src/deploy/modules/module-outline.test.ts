import { expect, test } from "vitest";
import { readOutline, writeOutline } from "./module-outline.js";
import { moduleText } from "./module-text.js";

const source = `#!/usr/bin/env node
import a, { b as c, "any text" as d } from "./other.js"; import * as all from "pkg";
import data from "./data.json" with { type: "json" };
export * from "./stars.js"; export * as names from "./names.js"; export { a, all as "as text" }; export { x as __proto__ } from "./x.js";
export let changes = 1; export const stays = 2, f = () => { changes++; let inner; inner = stays; return inner; };
await import("./later.js"); export default [import.meta.url, c, d, data];
`;

test("a module that is read from its outline is as it was parsed", () => {
  for (const each of [source, "", "export default function () {}", "export default class {}"]) {
    expect(readOutline(writeOutline(moduleText(each)), each)).toEqual(moduleText(each));
  }
});

test("an outline has this form, and one of another version is not read", () => {
  const small =
    'import a from "./a.js"; export let b = a; export const set = () => { b = [import.meta, Map, my.Set]; };';
  const outline = writeOutline(moduleText(small));
  // Whoever changes this counts the version up: data files hold outlines.
  expect(outline).toBe(
    '{"version":1,"requests":[["./a.js",null]],"imports":[["a",{"from":"./a.js","name":"default"}]],' +
      '"exports":[["b","b"],["set","set"]],"reexports":[],"stars":[],"changing":["b"],"globals":["Map"],"isAsync":false,' +
      '"edits":[{"start":0,"end":23,"text":"                       "},{"start":24,"end":31,"text":"       "},' +
      '{"start":42,"end":49,"text":"       "},{"start":74,"end":85,"text":"import$meta"}]}',
  );
  expect(readOutline(outline, small)).not.toBeNull();
  expect(readOutline(outline.replace('"version":1', '"version":0'), small)).toBeNull();
});
