/**
 * `npm run model` explores the models beside the Postgres storage with Spin: every state of each scope, which must break nothing,
 * and then every mutant, which must break something. It prints what was explored. Needs `spin` and a C compiler.
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const models = join(dirname(dirname(fileURLToPath(import.meta.url))), "src/storage/postgres/model");

/** A scope is a model, what it is bounded by, and the mutants that are looked for in it. */
const scopes = [
  {
    model: "commit",
    bounds: ["MUTATIONS=3", "CACHES"],
    says: "two mutations on one server and one on another, caches, batches sent again",
    mutants: [
      "VALIDATES_NOTHING",
      "VALIDATES_NO_RANGES",
      "FEED_SKIPS",
      "CACHE_KEEPS_TOUCHED",
      "CACHES_WHAT_WAS_TOUCHED",
      "IGNORES_BATCH",
      "FORGETS_REFUSED",
      "FORGETS_DEPENDENCIES",
      "KEEPS_PENDING",
    ],
  },
  {
    model: "commit",
    bounds: ["MUTATIONS=2", "CACHES", "QUERIES"],
    says: "a mutation and a query on each of two servers, caches",
    mutants: ["CACHE_KEEPS_TOUCHED", "CACHES_WHAT_WAS_TOUCHED"],
  },
  {
    model: "leases",
    bounds: ["TERMS=3"],
    says: "two processes, three terms, work in two pieces, a job that acts outside",
    mutants: ["TERM_NOT_READ"],
  },
  {
    model: "deploy",
    bounds: ["PUSHES=1", "WRITES=2"],
    says: "a push, two servers with two writes each",
    mutants: ["HEAD_NOT_READ", "WRITES_BEFORE_LOADING"],
  },
  {
    model: "deploy",
    bounds: ["SERVERS=1", "WRITES=3"],
    says: "two pushes at once, a server with three writes",
    mutants: ["HEAD_NOT_READ", "BASE_NOT_COMPARED"],
  },
  {
    model: "requests",
    bounds: ["CONNECTIONS=3"],
    says: "two requests of a client over three connections to two servers",
    mutants: ["REQUEST_NOT_READ"],
  },
];

/** Explores a model; says how many states there were, and the first thing that went wrong. */
async function explore({ model, bounds }, mutant) {
  const folder = await mkdtemp(join(tmpdir(), "trueup-model-"));
  const names = [...bounds, ...(mutant === undefined ? [] : [mutant])];
  try {
    const options = { cwd: folder, maxBuffer: 2 ** 26 };
    await run("spin", [...names.map((name) => `-D${name}`), "-a", join(models, `${model}.pml`)], options);
    await run("gcc", ["-w", "-O2", "-DSAFETY", "-DCOLLAPSE", "-o", "pan", "pan.c"], options);
    // It ends with 0 whatever it finds. The depth is far above what any of the models reaches; too small a one is an error.
    const { stdout } = await run(join(folder, "pan"), ["-m100000", "-w22"], options);
    const states = /^\s*([0-9.e+]+) states, stored/m.exec(stdout)?.[1];
    const errors = /errors: (\d+)/.exec(stdout)?.[1];
    if (states === undefined || errors === undefined || /max search depth/.test(stdout)) {
      throw new Error(`The exploration of ${model} did not end:\n${stdout}`);
    }
    const wrong = /^pan:1: (.*?) \(at depth/m.exec(stdout)?.[1];
    return { states: Number(states), wrong: errors === "0" ? undefined : (wrong ?? "an error") };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

let failures = 0;
async function check(scope, mutant) {
  const { states, wrong } = await explore(scope, mutant);
  // A mutant has to break what is asserted; one that only gets stuck shows nothing.
  const isRight =
    mutant === undefined ? wrong === undefined : wrong?.startsWith("assertion violated") === true;
  if (!isRight) failures++;
  const found = wrong === undefined ? "breaks nothing" : `breaks ${wrong}`;
  const what = mutant === undefined ? scope.says : `mutant ${mutant} in: ${scope.says}`;
  console.log(`${isRight ? "ok    " : "FAILED"} ${scope.model}: ${what}. ${states} states, ${found}`);
}

const began = performance.now();
const checks = scopes.flatMap((scope) => [
  () => check(scope),
  ...scope.mutants.map((mutant) => () => check(scope, mutant)),
]);
const worker = async () => {
  for (let next = checks.shift(); next !== undefined; next = checks.shift()) await next();
};
await Promise.all([worker(), worker()]);
console.log(
  `${failures === 0 ? "All as it should be" : `${failures} failed`}, in ${Math.round((performance.now() - began) / 1000)} s.`,
);
process.exitCode = failures === 0 ? 0 : 1;
