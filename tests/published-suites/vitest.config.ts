/**
 * Runs the tests that published packages ship, from `node_modules`, with `convex-test` replaced by
 * `trueup/test`, on memory and on SQLite. Nothing of theirs is copied into this project.
 */
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { publishedSuites, suiteProject } from "./suite-project.js";

const config: ViteUserConfig = defineConfig({
  test: { projects: [suiteProject("memory", publishedSuites), suiteProject("sqlite", publishedSuites)] },
});
export default config;
