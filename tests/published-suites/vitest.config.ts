/**
 * Runs the tests that published packages ship, from `node_modules`, with `convex-test` replaced by
 * `trueup/test`: on memory, on SQLite (TRUEUP_TEST_STORAGE=sqlite), or, to compare, on the official mock
 * (TRUEUP_TEST_ENGINE=mock). Nothing of theirs is copied into this project.
 */
import { fileURLToPath } from "node:url";
import { defineConfig, type ViteUserConfig } from "vitest/config";

const root = fileURLToPath(new URL("../../", import.meta.url));
const onMock = process.env["TRUEUP_TEST_ENGINE"] === "mock";

const config: ViteUserConfig = defineConfig({
  root,
  resolve: {
    alias: onMock ? [] : [{ find: /^convex-test$/, replacement: `${root}src/test/index.ts` }],
    preserveSymlinks: true,
  },
  test: {
    name: "published",
    environment: "edge-runtime",
    include: [
      "node_modules/@convex-dev/{aggregate,batch-worker,migrations,sharded-counter}/src/**/*.test.ts",
    ],
    exclude: [],
    server: { deps: { inline: [/convex-test/, /@convex-dev/] } },
    testTimeout: 60_000,
  },
});
export default config;
