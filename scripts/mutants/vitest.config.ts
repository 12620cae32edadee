/**
 * Configures the tests of one room as Stryker runs them for each mutant: in the order of `rooms.json`, because the first
 * failure ends the run, and with a fixed seed for property tests, so that a score can be compared with the one before it.
 */
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { base } from "../../vitest.config.js";
import rooms from "./rooms.json" with { type: "json" };

const room = new Map(Object.entries(rooms)).get(process.env["TRUEUP_MUTANTS_ROOM"] ?? "");
if (room === undefined) throw new Error("TRUEUP_MUTANTS_ROOM names no room.");
const { tests, isolate } = room;

/** Where a file stands in the list: by its own name, or with all that a pattern brings. */
function placeOf({ moduleId }: TestSpecification): number {
  const named = tests.findIndex((path) => moduleId.endsWith(`/${path}`));
  return named >= 0 ? named : tests.findIndex((path) => path.includes("*"));
}

class AsListed extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return files.toSorted((a, b) => placeOf(a) - placeOf(b) || (a.moduleId < b.moduleId ? -1 : 1));
  }
}

const config: ViteUserConfig = defineConfig({
  ...base,
  test: {
    ...base.test,
    include: tests,
    // Pure tests may share what they import, which costs more than running them.
    isolate,
    // None of these tests takes a second and a half, so a test that hangs can be stopped sooner than elsewhere.
    testTimeout: 8_000,
    hookTimeout: 8_000,
    env: { TRUEUP_SEED: "1", TRUEUP_SHARE_OF_RUNS: "0.1" },
    sequence: { sequencer: AsListed },
    setupFiles: ["suites/setup/seed-properties.ts", "scripts/mutants/end-on-failure.ts"],
  },
});
export default config;
