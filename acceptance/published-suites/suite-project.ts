/** A vitest project that runs tests written for `convex-test`, of packages or our own, on one engine. */
import { fileURLToPath } from "node:url";
import type { TestProjectInlineConfiguration } from "vitest/config";

/** `mock` is the official `convex-test` itself; the others are `trueup/test` on that storage. */
type SuiteEngine = "mock" | "memory" | "sqlite";

const root: string = fileURLToPath(new URL("../../", import.meta.url));

const suites = [
  "node_modules/@convex-dev/{aggregate,batch-worker,migrations,sharded-counter}/src/**/*.test.ts",
  "bench/suites/*.test.ts",
];

export function suiteProject(engine: SuiteEngine): TestProjectInlineConfiguration {
  const isOurs = engine !== "mock";
  return {
    root,
    resolve: {
      alias: isOurs ? [{ find: /^convex-test$/, replacement: `${root}src/test/index.ts` }] : [],
      preserveSymlinks: true,
    },
    test: {
      name: engine,
      env: isOurs ? { TRUEUP_TEST_STORAGE: engine } : {},
      environment: "edge-runtime",
      include: suites,
      exclude: [],
      server: { deps: { inline: [/convex-test/, /@convex-dev/] } },
      testTimeout: 60_000,
    },
  };
}
