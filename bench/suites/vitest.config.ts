/** The suites that `npm run bench:suites` times: those of published packages, and large tables of our own. */
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { publishedSuites, suiteProject } from "../../tests/published-suites/suite-project.js";

const include = [...publishedSuites, "bench/suites/*.test.ts"];

const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      suiteProject("mock", include),
      suiteProject("memory", include),
      suiteProject("sqlite", include),
    ],
  },
});
export default config;
