/**
 * Runs tests that were written for `convex-test`: those that published packages ship, from `node_modules`
 * (nothing of theirs is copied into this project), and large tables of our own. `npm test` runs them on
 * `trueup/test`, on memory and on SQLite; `npm run bench:suites` on the official mock as well.
 */
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { suiteProject } from "./suite-project.js";

const config: ViteUserConfig = defineConfig({
  test: {
    maxWorkers: "100%",
    projects: [suiteProject("mock"), suiteProject("memory"), suiteProject("sqlite")],
  },
});
export default config;
