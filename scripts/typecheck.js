/**
 * Type-checks everything, pages with a browser's globals, then holds src/ to explicit types on exports
 * (`isolatedDeclarations`). Three kinds of places are exempt from the last: types there are inferred on purpose,
 * from the functions and schemas of a Convex component and from tables whose keys are the type, and two classes
 * have a member that is named by a symbol, which `isolatedDeclarations` cannot express.
 */
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const compiler = join(
  dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
  "bin",
  "tsc",
);
const inferred = [
  /^src\/components\/[^/]+\/component\//,
  /^src\/errors\/codes\//,
  /^src\/schema\/changes\/rules\.ts/,
  /^src\/components\/aggregate\/client\/table-aggregate\.ts.* TS9038:/,
  /^src\/triggers\/triggers\.ts.* TS9038:/,
];

function check(...options) {
  const run = spawnSync(process.execPath, [compiler, "--noEmit", "--pretty", "false", ...options], {
    cwd: root,
    encoding: "utf8",
  });
  return { failed: run.status !== 0, lines: `${run.stdout}${run.stderr}`.split("\n").filter(Boolean) };
}

for (const project of ["tsconfig.json", "tsconfig.browser.json"]) {
  const whole = check("-p", project);
  if (!whole.failed) continue;
  console.error(whole.lines.join("\n"));
  process.exit(1);
}

const explicit = check("-p", "tsconfig.build.json", "--declaration", "--isolatedDeclarations", "--listFiles");
const sources = explicit.lines.filter((line) => line.startsWith(join(root, "src")));
const missing = explicit.lines.filter(
  (line) => /: error TS/.test(line) && !inferred.some((place) => place.test(line)),
);
if (missing.length > 0 || sources.length === 0) {
  console.error(missing.length > 0 ? missing.join("\n") : "The type check saw no source file.");
  process.exit(1);
}
console.log(`Types hold in ${sources.length} source files and everything around them.`);
