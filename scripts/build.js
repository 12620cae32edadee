/**
 * Compiles src/ to dist/ with plain tsc. The output is written beside dist/ and swapped in when it is
 * complete, so a failed build leaves the last good one in place and no stale file survives a rename. The types of
 * the components' functions are written from their compiled validators; when that changes them, all is compiled again.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeComponentApis } from "./component-api.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, "dist");
const fresh = join(root, `dist.${process.pid}`);
const manifest = createRequire(import.meta.url).resolve("typescript/package.json");

function compile() {
  const compiler = join(dirname(manifest), "bin", "tsc");
  const options = ["-p", "tsconfig.build.json", "--outDir", fresh];
  return spawnSync(process.execPath, [compiler, ...options], { cwd: root, encoding: "utf8" });
}

let compiled = compile();
const emitted = existsSync(fresh)
  ? readdirSync(fresh, { recursive: true }).filter((name) => String(name).endsWith(".js")).length
  : 0;
if (emitted === 0) {
  console.error(`The build emitted no file.\n${compiled.stdout}${compiled.stderr}`);
  process.exit(1);
}
// An error may be about types that are written anew here.
if (await writeComponentApis(fresh, join(root, "src"))) compiled = compile();
process.stdout.write(compiled.stdout);
process.stderr.write(compiled.stderr);
if (compiled.status !== 0) {
  rmSync(fresh, { recursive: true, force: true });
  process.exit(compiled.status ?? 1);
}
const former = `${fresh}.former`;
if (existsSync(target)) renameSync(target, former);
renameSync(fresh, target);
rmSync(former, { recursive: true, force: true });
