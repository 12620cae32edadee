/**
 * Runs tests that were written for `convex-test`: those that published packages ship, from `node_modules`
 * (nothing of theirs is copied into this project), and large tables of our own. `npm test` runs them on
 * `trueup/test`, on memory and on SQLite; `npm run bench:suites` on the official mock as well.
 */
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { suiteProject } from "./suite-project.js";

/** The mock lets tests delete documents of `_scheduled_functions`; here they are the system's. */
const notOfJobsDeletedByHand = /^(?!.*GC'd scheduledId in running)/;

const config: ViteUserConfig = defineConfig({
  test: {
    maxWorkers: "100%",
    testNamePattern: notOfJobsDeletedByHand,
    projects: [suiteProject("mock"), suiteProject("memory"), suiteProject("sqlite")],
  },
});
export default config;
