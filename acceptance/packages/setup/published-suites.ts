/**
 * The suites that packages bring, written for `convex-test` and run on `trueup/test` as npm delivers it. Those of packages that
 * `acceptance/published-suites` has run there.
 */
import type { TestProjectInlineConfiguration } from "vitest/config";

const folder = "acceptance/packages/node_modules";
const packages =
  "agent,better-auth,geospatial,persistent-text-streaming,polar,prosemirror-sync,r2,resend,stripe,workflow,workpool";

/** They fail on the newest `convex-test`, too. */
const failing = [
  // They need packages or files that are not delivered.
  "agent/src/eslintConfig.test.ts",
  "agent/src/vercel/mapping.test.ts",
  "better-auth/src/client/adapter.test.ts",
  "workflow/src/component/{setup,workflow}.test.ts",
  // They set timers in a transaction.
  "agent/src/vercel/client/streaming{,.integration}.test.ts",
  // It expects an older `ai`.
  "agent/src/vercel/client/index.test.ts",
  // Their component is not where they look for it.
  "geospatial/src/component/tests/{document,pointQuery}.test.ts",
];
/** A function that is not there has no handle, and `Date` is Node's own: docs/compatibility.md. */
const different = [
  "workflow/src/client/{stepContext,environment.integration}.test.ts",
  "workpool/src/component/migrations.test.ts",
];

export const publishedSuites: TestProjectInlineConfiguration = {
  resolve: {
    alias: [{ find: /^convex-test$/, replacement: `${process.cwd()}/${folder}/trueup/dist/test/index.js` }],
    preserveSymlinks: true,
  },
  test: {
    name: "published",
    env: { TRUEUP_TEST_STORAGE: "memory" },
    environment: "edge-runtime",
    include: [`${folder}/@convex-dev/{${packages}}/src/**/*.test.ts`],
    exclude: [...failing, ...different].map((path) => `${folder}/@convex-dev/${path}`),
    server: { deps: { inline: [/convex-test/, /@convex-dev/, /trueup\/dist/] } },
    testTimeout: 60_000,
  },
};
