/**
 * `npm run mutants` changes the code of the rooms in `rooms.json` in one small way at a time and runs the tests of the
 * room, which must fail: fast ones, because every mutant runs all of them that reach it. `npm run mutants -- values` does
 * one room. A run takes up where the last one of the room ended, as far as neither code nor tests have changed; `--force`
 * begins anew. `--sample 200` tries 200 mutants that are drawn at random, and prints the seed of the draw, which
 * `--seed` replays. The report names each mutant that lived.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Stryker } from "@stryker-mutator/core";

const rooms = JSON.parse(readFileSync(new URL("rooms.json", import.meta.url), "utf8"));

/** Percent of the mutants that the tests of each room must notice. */
const leastScore = 85;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    concurrency: { type: "string", default: "1" },
    force: { type: "boolean", default: false },
    mutate: { type: "string" },
    sample: { type: "string" },
    seed: { type: "string", default: String(Math.trunc(Math.random() * 1_000_000)) },
  },
});

const unknown = positionals.filter((room) => rooms[room] === undefined);
if (unknown.length > 0) {
  console.error(`No room is called ${unknown.join(", ")}. Rooms: ${Object.keys(rooms).join(", ")}.`);
  process.exit(2);
}

if (values.sample !== undefined) {
  process.env["TRUEUP_MUTANTS_SAMPLE"] = `${values.sample}:${values.seed}`;
  console.log(`A sample of ${values.sample}, drawn by --seed ${values.seed}.`);
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
  const isSample = values.sample !== undefined;
  const results = await new Stryker({
    mutate: values.mutate?.split(",") ?? [...rooms[room].mutate, "!src/**/*.test.ts", "!src/**/index.ts"],
    testRunner: "kept-vitest",
    vitest: { configFile: "scripts/mutants/vitest.config.ts", related: false },
    plugins: [
      "@stryker-mutator/vitest-runner",
      ...["ignore-messages.js", "kept-runner.js", "sample-checker.js"].map(
        (file) => new URL(file, import.meta.url).pathname,
      ),
    ],
    ignorers: ["messages"],
    checkers: isSample ? ["sample"] : [],
    coverageAnalysis: "perTest",
    // Code that runs once, when a module is loaded, would need a whole new run for each mutant.
    ignoreStatic: true,
    concurrency: Number(values.concurrency),
    timeoutMS: 15_000,
    timeoutFactor: 3,
    // What a sample passes over must not be taken for tried by the next run.
    incremental: !isSample,
    incrementalFile: `reports/mutants/${room}.json`,
    force: values.force,
    reporters: ["progress-append-only", "clear-text", "html"],
    htmlReporter: { fileName: `reports/mutants/${room}${isSample ? "-sample" : ""}.html` },
    clearTextReporter: { allowColor: false, logTests: false, reportTests: false, reportScoreTable: false },
    // Stryker would adapt it by the API of TypeScript, which TypeScript 7 lacks; the sandbox needs no change.
    tsconfigFile: "none",
    tempDirName: ".stryker-tmp",
    ignorePatterns: ["/dist", "/bench", "/examples", "/docs", "/skills", "/reports"],
    allowEmpty: true,
    logLevel: "warn",
  }).runMutationTest();
  const count = (...statuses) => results.filter(({ status }) => statuses.includes(status)).length;
  // Either the run took too long, or one of its tests did.
  const isLate = ({ status, statusReason = "" }) =>
    status === "Killed" && statusReason.includes("timed out in");
  const late = results.filter(isLate).length;
  const [timedOut, lived] = [count("Timeout") + late, count("Survived", "NoCoverage")];
  const killed = count("Killed") - late;
  const tried = killed + timedOut + lived;
  const [low, high] = wilsonInterval(killed + timedOut, tried);
  return {
    room,
    killed,
    "timed out": timedOut,
    lived,
    unreached: count("NoCoverage"),
    // Stryker cannot tell whether a test would have failed: an error came from outside of the tests.
    undecided: count("RuntimeError"),
    static: count("Ignored"),
    score: Number(((100 * (killed + timedOut)) / tried).toFixed(1)),
    ...(isSample && { of: tried + count("CompileError"), low, high }),
  };
}

/** The bounds, in percent, between which the share lies at 95 % when `hits` of `tries` drawn at random were hits. */
function wilsonInterval(hits, tries) {
  const z = 1.96;
  const share = hits / tries;
  const middle = share + z ** 2 / (2 * tries);
  const reach = z * Math.sqrt((share * (1 - share)) / tries + z ** 2 / (4 * tries ** 2));
  return [middle - reach, middle + reach].map((bound) =>
    Number(((100 * bound) / (1 + z ** 2 / tries)).toFixed(1)),
  );
}
