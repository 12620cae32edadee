/**
 * Compiles a part of src/ for child processes, which cannot run TypeScript: tests that kill their child start it from
 * here. The output lies inside the project, where packages are found, and is removed after the tests.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * Compiles a file under src/ and all that it imports; call it at the top of a test file. Returns the output folder, which mirrors
 * src/.
 */
export function compileSources(entry: string): string {
  const cache = join(root, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const output = mkdtempSync(join(cache, "trueup-compiled-"));
  afterAll(() => {
    rmSync(output, { recursive: true, force: true });
  });
  const manifest = createRequire(import.meta.url).resolve("typescript/package.json");
  execFileSync(
    process.execPath,
    [
      join(dirname(manifest), "bin", "tsc"),
      "--ignoreConfig",
      ...["--rootDir", "src", "--outDir", output, "--module", "nodenext", "--target", "es2023"],
      ...["--types", "node", "--skipLibCheck", "--noCheck"],
      join("src", entry),
    ],
    { cwd: root },
  );
  return output;
}
