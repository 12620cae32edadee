/**
 * Runs the tests that published packages ship, from `node_modules`, with `convex-test` replaced by
 * `trueup/test`, on memory and on SQLite; or, to compare, on the official mock (TRUEUP_TEST_ENGINE=mock).
 * Nothing of theirs is copied into this project.
 */
import { fileURLToPath } from "node:url";
import { defineConfig, type TestProjectInlineConfiguration, type ViteUserConfig } from "vitest/config";

const root = fileURLToPath(new URL("../../", import.meta.url));

function project(
  name: string,
  engine: string | null,
  env: Record<string, string>,
): TestProjectInlineConfiguration {
  return {
    root,
    resolve: {
      alias: engine === null ? [] : [{ find: /^convex-test$/, replacement: root + engine }],
      preserveSymlinks: true,
    },
    test: {
      name,
      env,
      environment: "edge-runtime",
      include: [
        "node_modules/@convex-dev/{aggregate,batch-worker,migrations,sharded-counter}/src/**/*.test.ts",
      ],
      exclude: [],
      server: { deps: { inline: [/convex-test/, /@convex-dev/] } },
      testTimeout: 60_000,
    },
  };
}

const ours = "src/test/index.ts";

const config: ViteUserConfig = defineConfig({
  test: {
    projects:
      process.env["TRUEUP_TEST_ENGINE"] === "mock"
        ? [project("mock", null, {})]
        : [
            project("memory", ours, { TRUEUP_TEST_STORAGE: "memory" }),
            project("sqlite", ours, { TRUEUP_TEST_STORAGE: "sqlite" }),
          ],
  },
});
export default config;
