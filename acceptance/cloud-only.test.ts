/**
 * Who stays on Convex Cloud takes the components, `trueup plan` and the skill, and needs no database: their installation
 * compiles nothing, and what they run does not even look for one.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";
import { needing, PlanApp, removePlanApps, teams } from "./setup/plan-app.js";

afterAll(removePlanApps);

interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly hasInstallScript?: boolean;
}

/** What npm would install with the package: everything that it needs, directly or not, by its place in the lockfile. */
function installed(packages: Readonly<Record<string, LockedPackage>>): ReadonlyMap<string, LockedPackage> {
  const found = new Map<string, LockedPackage>();
  const visit = (place: string): void => {
    const one = packages[place];
    if (one === undefined || found.has(place)) return;
    found.set(place, one);
    const peers = Object.keys(one.peerDependencies ?? {}).filter(
      (name) => one.peerDependenciesMeta?.[name]?.optional !== true,
    );
    const names = [...Object.keys({ ...one.dependencies, ...one.optionalDependencies }), ...peers];
    for (const name of names) visit(placeOf(name, place));
  };
  const placeOf = (name: string, user: string): string => {
    const place = join(user, "node_modules", name);
    if (user === "" || packages[place] !== undefined) return place;
    return placeOf(name, user.slice(0, Math.max(0, user.lastIndexOf("node_modules/") - 1)));
  };
  visit("");
  return found;
}

test("installing the package runs no script but that of the official package's esbuild, which compiles nothing", () => {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    packages: Record<string, LockedPackage>;
  };
  const all = installed(packages);
  expect(all.size).toBeGreaterThan(15);
  expect([...all.keys()]).toEqual(expect.arrayContaining(["node_modules/convex", "node_modules/esbuild"]));
  const withScript = [...all].filter(([, { hasInstallScript }]) => hasInstallScript === true);
  expect(withScript.map(([place]) => place)).toEqual(["node_modules/esbuild"]);
});

/** Refuses to load a SQLite library, or the engine, in the process that imports it. */
const noDatabase = `data:text/javascript,${encodeURIComponent(`
import { register } from "node:module";
register("data:text/javascript," + encodeURIComponent(\`
export async function resolve(name, context, next) {
  const found = await next(name, context);
  if (/better-sqlite3|node:sqlite|dist.(storage|database|backend|server)./.test(found.url)) throw new Error("loads " + found.url);
  return found;
}\`));
const { getBuiltinModule } = process;
process.getBuiltinModule = (name) => {
  if (/sqlite/.test(name)) throw new Error("loads " + name);
  return getBuiltinModule(name);
};
`)}`;

function runWithoutDatabase(
  folder: string,
  ...args: readonly string[]
): { code: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", noDatabase, ...args], {
    cwd: folder,
    encoding: "utf8",
  });
  return { code: status, output: stdout + stderr };
}

test("the components and `trueup plan` run where no database can be loaded", () => {
  const app = new PlanApp({ "convex/schema.ts": teams });
  app.commit();
  app.write({ "convex/schema.ts": needing });
  const planned = runWithoutDatabase(app.root, resolve("bin/trueup.js"), "plan");
  expect(planned, planned.output).toMatchObject({ code: 2, output: expect.stringContaining("teams.seats") });

  const script = ["components/aggregate/client", "components/migrations/client", "triggers"]
    .map((room) => pathToFileURL(resolve("dist", room, "index.js")).href)
    .map((url) => `await import(${JSON.stringify(url)});`)
    .join("\n");
  expect(runWithoutDatabase(app.root, "--input-type=module", "-e", script)).toEqual({ code: 0, output: "" });

  const stored = runWithoutDatabase(app.root, resolve("bin/trueup.js"), "check");
  expect(stored.output).toContain("loads file:");
});
