import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { locateSources } from "./source-map.js";

function appFolder(): string {
  const app = mkdtempSync(join(tmpdir(), "trueup-map-"));
  onTestFinished(() => rmSync(app, { recursive: true }));
  writeFileSync(join(app, "package.json"), "{}");
  return app;
}

const sourcesOf = (located: string | null): unknown =>
  (JSON.parse(located ?? "{}") as { sources?: unknown }).sources;

test("sources lead from the module's place to the app's files", () => {
  const code = join(appFolder(), ".trueup", "code", "abc");
  const main = locateSources(
    '{"sources":["../convex/main.ts"],"mappings":"AAAA"}',
    "main.js",
    join(code, "main.js"),
  );
  expect(sourcesOf(main)).toEqual(["../../../convex/main.ts"]);
  const sources = ["../../convex/dir/mod.ts", "../../node_modules/a/index.js"];
  const nested = locateSources(
    JSON.stringify({ sources, mappings: "" }),
    "dir/mod.js",
    join(code, "dir", "mod.js"),
  );
  expect(sourcesOf(nested)).toEqual(["../../../../convex/dir/mod.ts", "../../../../node_modules/a/index.js"]);
});

test("what is no source map is left out, and so are maps without an app around", () => {
  const app = appFolder();
  const file = join(app, "code", "abc", "main.js");
  expect(locateSources("not JSON", "main.js", file)).toBeNull();
  expect(locateSources("[]", "main.js", file)).toBeNull();
  rmSync(join(app, "package.json"));
  expect(locateSources('{"sources":[],"mappings":""}', "main.js", file)).toBeNull();
});
