/**
 * Tests import the package by its own name (`trueup/aggregate`) and get the sources: the aliases are
 * tsconfig's `paths`. Every run draws one seed for all property tests and prints it;
 * `TRUEUP_SEED=<n> npx vitest run <file>` replays it.
 */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import tsconfig from "./tsconfig.json" with { type: "json" };

const aliases = Object.entries(tsconfig.compilerOptions.paths).map(([name, [source]]) => ({
  find: new RegExp(`^${name.replaceAll(".", "\\.")}$`),
  replacement: fileURLToPath(new URL(source ?? "", import.meta.url)),
}));

export default defineConfig({
  resolve: { alias: aliases },
  test: {
    include: ["src/**/*.test.ts", "suites/**/*.test.ts", "acceptance/**/*.test.ts"],
    env: { TRUEUP_SEED: process.env["TRUEUP_SEED"] ?? String(Math.trunc(Math.random() * 0x7fffffff)) },
    globalSetup: ["suites/setup/print-seed.ts"],
    setupFiles: ["suites/setup/seed-properties.ts"],
    // Vitest leaves one core to itself, which on a machine with two would leave one to the tests.
    maxWorkers: "100%",
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
