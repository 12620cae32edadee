/**
 * Tests import the package by its own name (`trueup/aggregate`) and get the sources: the aliases are
 * tsconfig's `paths`. Every run draws one seed for all property tests and prints it;
 * `TRUEUP_SEED=<n> npx vitest run <file>` replays it.
 */
import { existsSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import tsconfig from "./tsconfig.json" with { type: "json" };

const aliases = Object.entries(tsconfig.compilerOptions.paths).map(([name, [source]]) => ({
  find: new RegExp(`^${name.replaceAll(".", "\\.")}$`),
  replacement: fileURLToPath(new URL(source ?? "", import.meta.url)),
}));

/** Data files of tests are flushed thousands of times: where the machine has a disk in memory with room, they lie there. */
const memoryDisk = "/dev/shm";
const neededBytes = 4 * 2 ** 30;
function hasRoom(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > neededBytes;
}

/** What the tests of this run write; it goes with the run. */
const folder = mkdtempSync(join(hasRoom(memoryDisk) ? memoryDisk : tmpdir(), "trueup-tests-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** What all projects have in common. */
export const base: ViteUserConfig = defineConfig({
  resolve: { alias: aliases },
  test: {
    env: {
      TRUEUP_SEED: process.env["TRUEUP_SEED"] ?? String(Math.trunc(Math.random() * 0x7fffffff)),
      TMPDIR: folder,
      TRUEUP_RUN_PID: String(process.pid),
    },
    setupFiles: ["suites/setup/seed-properties.ts", "suites/setup/real-timers.ts"],
    // Vitest leaves one core to itself, which on a machine with two would leave one to the tests.
    maxWorkers: "100%",
    // Tests fail by what they claim. These are only for what hangs, so no load is too much for them.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // What is waited for comes at once or never: the second that is the default is only how slow a machine may be.
    expect: { poll: { timeout: 20_000, interval: 10 } },
    // The build, and code that a test put into a folder, are loaded as users load them.
    server: { deps: { external: [/\/dist\//, /\/trueup-code-/] } },
  },
});

/**
 * Tests that change what a whole process shares (its globals, its environment), or whose many large values a process full of
 * other tests is slow at.
 */
export const alone: readonly string[] = [
  "src/functions/execution/thrown.test.ts",
  "src/components/aggregate/tree/tree-append.test.ts",
  "src/storage/sqlite/damage/flipped-bits.test.ts",
  "src/storage/sqlite/log-growth.test.ts",
  "suites/aggregate/verification.test.ts",
  "suites/aggregate/verification-mock.test.ts",
  "suites/functions/time-limits.test.ts",
  "src/server/start-server.test.ts",
  "src/server/sync/protocol.test.ts",
  "src/server/sync/slow-clients.test.ts",
];
const gone = alone.filter((path) => !existsSync(new URL(path, import.meta.url)));
if (gone.length > 0) throw new Error(`vitest.config.ts names tests that are gone: ${gone.join(", ")}`);
/** The others share what they import: loading the engine anew for each file costs more than most of them run. */
export const sharing: ViteUserConfig["test"] = {
  isolate: false,
  setupFiles: ["suites/setup/engine-first.ts"],
};
const printsSeed = { globalSetup: ["suites/setup/print-seed.ts"] };

const config: ViteUserConfig = defineConfig({
  ...base,
  test: {
    ...base.test,
    projects: [
      {
        extends: true,
        test: {
          name: "rooms",
          include: ["src/**/*.test.ts", "suites/**/*.test.ts"],
          exclude: [...alone],
          ...sharing,
          ...printsSeed,
        },
      },
      { extends: true, test: { name: "alone", include: ["acceptance/*.test.ts", ...alone] } },
    ],
  },
});
export default config;
