/**
 * Publishes the package: `npm run release` in hosted CI, where npm can sign where the package was built, and
 * `npm run release -- --dry-run` anywhere, which packs and checks everything and uploads nothing. Refuses to publish
 * what is not exactly the tagged commit, or has no dated section in CHANGELOG.md.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const isDryRun = process.argv.includes("--dry-run");
const { version } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));

function git(...options) {
  return execFileSync("git", options, { cwd: root, encoding: "utf8" }).trim();
}

function npm(...options) {
  execFileSync("npm", options, { cwd: root, stdio: "inherit" });
}

const changelog = readFileSync(`${root}/CHANGELOG.md`, "utf8");
const isDated = new RegExp(`^## ${version.replaceAll(".", "\\.")}, \\d{4}-\\d{2}-\\d{2}$`, "m").test(
  changelog,
);
const problems = [
  ...(git("status", "--porcelain") === "" ? [] : ["There are changes that are not committed."]),
  ...(git("tag", "--points-at", "HEAD").split("\n").includes(`v${version}`)
    ? []
    : [`The commit is not tagged v${version}.`]),
  ...(isDated ? [] : [`CHANGELOG.md has no section "## ${version}, <date>".`]),
];
for (const problem of problems) console.error(`${isDryRun ? "would refuse" : "refused"}: ${problem}`);
if (problems.length > 0 && !isDryRun) process.exit(1);

npm("run", "build");
npm("run", "package-check");
npm("publish", "--access", "public", ...(isDryRun ? ["--dry-run"] : ["--provenance"]));
