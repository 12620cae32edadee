/**
 * `npm run mutants` changes the code of the rooms in `rooms.json` in one small way at a time and runs the tests of the
 * room, which must fail: fast ones, because every mutant runs all of them that reach it. `npm run mutants -- values` does one room. A run takes up where the last one of the room ended, as far as
 * neither code nor tests have changed; `--force` begins anew. The report names each mutant that lived.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Stryker } from "@stryker-mutator/core";

const rooms = JSON.parse(readFileSync(new URL("rooms.json", import.meta.url), "utf8"));

/** Percent of the mutants that the tests of each room must notice. */
const leastScore = 85;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { force: { type: "boolean", default: false }, mutate: { type: "string" } },
});

const unknown = positionals.filter((room) => rooms[room] === undefined);
if (unknown.length > 0) {
  console.error(`No room is called ${unknown.join(", ")}. Rooms: ${Object.keys(rooms).join(", ")}.`);
  process.exit(2);
}

const scores = [];
for (const room of positionals.length > 0 ? positionals : Object.keys(rooms)) {
  scores.push(await tryRoom(room));
}
console.table(scores);
if (scores.some(({ score }) => !(score >= leastScore))) {
  console.error(`A room is below ${leastScore} %.`);
  process.exit(1);
}

async function tryRoom(room) {
  process.env["TRUEUP_MUTANTS_ROOM"] = room;
  const report = `reports/mutants/${room}.json`;
  const results = await new Stryker({
    mutate: values.mutate?.split(",") ?? [...rooms[room].mutate, "!src/**/*.test.ts", "!src/**/index.ts"],
    testRunner: "vitest",
    vitest: { configFile: "scripts/mutants/vitest.config.ts", related: false },
    plugins: ["@stryker-mutator/vitest-runner", new URL("ignore-messages.js", import.meta.url).pathname],
    ignorers: ["messages"],
    coverageAnalysis: "perTest",
    // What runs once, when a module is loaded, would need the whole run anew for each mutant.
    ignoreStatic: true,
    concurrency: 1,
    timeoutMS: 5_000,
    timeoutFactor: 3,
    incremental: true,
    incrementalFile: report,
    force: values.force,
    reporters: ["progress-append-only", "clear-text", "html"],
    htmlReporter: { fileName: `reports/mutants/${room}.html` },
    clearTextReporter: { allowColor: false, logTests: false, reportTests: false, reportScoreTable: false },
    // Stryker would adapt it by the API of TypeScript, which TypeScript 7 lacks; the sandbox needs no change.
    tsconfigFile: "none",
    tempDirName: ".stryker-tmp",
    ignorePatterns: ["/dist", "/bench", "/examples", "/docs", "/skills", "/reports"],
    allowEmpty: true,
    logLevel: "warn",
  }).runMutationTest();
  const count = (...statuses) => results.filter(({ status }) => statuses.includes(status)).length;
  const [noticed, lived] = [count("Killed", "Timeout"), count("Survived", "NoCoverage")];
  const score = Number(((100 * noticed) / (noticed + lived)).toFixed(1));
  return { room, noticed, lived, unreached: count("NoCoverage"), static: count("Ignored"), score };
}
