/**
 * `npm run test:packages`: what people install beside this package, with the newest `convex`, on the Node that this folder
 * installs; and those of our own tests whose outcome another Node, its SQLite or a newer official CLI can change.
 */
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { alone, base, sharing } from "../../vitest.config.js";
import { publishedSuites } from "./setup/published-suites.js";

const rooms = [
  ...["src/{functions,server,storage}/**", "src/deploy/modules", "suites/{functions,scheduler,server}"].map(
    (folder) => `${folder}/*.test.ts`,
  ),
  "suites/deploy/own-globals.test.ts",
];
/** It damages a file some hundred times, which says nothing new about Node. */
const long = "src/storage/sqlite/damage/flipped-bits.test.ts";

const config: ViteUserConfig = defineConfig({
  ...base,
  test: {
    ...base.test,
    env: { ...base.test?.env, TRUEUP_TEST_PACKAGES: "acceptance/packages" },
    projects: [
      {
        extends: true,
        test: {
          name: "packages",
          globalSetup: ["acceptance/packages/setup/install-trueup.ts"],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          include: ["acceptance/packages/*.test.ts", "acceptance/{cli,official-cli}.test.ts", ...alone],
        },
      },
      { extends: true, test: { name: "rooms", include: rooms, exclude: [...alone, long], ...sharing } },
      publishedSuites,
    ],
  },
});
export default config;
