/** A vitest project that runs tests written for `convex-test`, of packages or our own, on one engine. */
import { fileURLToPath } from "node:url";
import type { TestProjectInlineConfiguration } from "vitest/config";

/** `mock` is the official `convex-test` itself; the others are `trueup/test` on that storage. */
type SuiteEngine = "mock" | "memory" | "sqlite";

const root: string = fileURLToPath(new URL("../../", import.meta.url));

const suites = [
  "node_modules/@convex-dev/{action-retrier,aggregate,batch-worker,crons,migrations,rate-limiter,sharded-counter,workpool}/src/{client,component}/**/*.test.ts",
  "bench/suites/*.test.ts",
];

/** They need what the installed `convex` or mock does not have: they fail on the mock, too. */
const newerThanInstalled = [
  "node_modules/@convex-dev/workpool/src/client/index.test.ts",
  "node_modules/@convex-dev/workpool/src/component/migrations.test.ts",
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
      exclude: newerThanInstalled,
      server: { deps: { inline: [/convex-test/, /@convex-dev/] } },
      testTimeout: 60_000,
    },
  };
}
