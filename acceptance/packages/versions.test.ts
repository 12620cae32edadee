import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly version?: string }>>;
}

test("the table of packages that were tried has the versions that are tried", () => {
  const { packages } = JSON.parse(read("package-lock.json")) as Lockfile;
  const page = read("../../docs/compatibility.md");
  const rows = [...page.matchAll(/^\| `([^`]+)` \| (\d+\.\d+\.\d+) \|/gm)].map(([, name, version]) => [
    name,
    version,
  ]);
  expect(rows.length).toBeGreaterThan(10);
  expect(rows).toEqual(rows.map(([name]) => [name, packages[`node_modules/${name}`]?.version]));
  expect(page).toContain(`\`convex\` ${packages["node_modules/convex"]?.version},`);
});
