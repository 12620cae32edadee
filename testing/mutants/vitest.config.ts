/**
 * The tests of one room, as Stryker runs them for each mutant. The seed of property tests stands still, so that a
 * score can be compared with the one before it.
 */
import { defineConfig, type ViteUserConfig } from "vitest/config";
import base from "../../vitest.config.js";
import rooms from "./rooms.json" with { type: "json" };

const tests = new Map(Object.entries(rooms).map(([room, files]) => [room, files.tests]));

const config: ViteUserConfig = defineConfig({
  ...base,
  test: {
    ...base.test,
    include: tests.get(process.env["TRUEUP_MUTANTS_ROOM"] ?? "") ?? [],
    env: { TRUEUP_SEED: "1" },
    globalSetup: [],
    setupFiles: ["tests/setup/seed-properties.ts", "testing/mutants/end-on-failure.ts"],
  },
});
export default config;
