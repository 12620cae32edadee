/**
 * Puts this package beside the published ones, as npm would publish it: packed, and unpacked. What it depends on is
 * found in the repository's own node_modules, except `convex`, which is the newest here, as a user's is.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Vitest calls it once, before any test. */
export default function installTrueup(): void {
  const target = "acceptance/packages/node_modules/trueup";
  const scratch = mkdtempSync(join(tmpdir(), "trueup-packed-"));
  try {
    const packed = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", scratch]);
    const [tarball] = JSON.parse(packed.toString()) as { readonly filename: string }[];
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    execFileSync("tar", ["-xzf", join(scratch, tarball!.filename), "-C", target, "--strip-components=1"]);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
