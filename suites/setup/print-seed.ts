/** Prints the run's seed of property tests, before the first test and so also when a run hangs or is killed. */
import type { TestProject } from "vitest/node";

export default function printSeed(project: TestProject): void {
  const seed = project.config.env["TRUEUP_SEED"];
  console.log(`fast-check seed ${seed} (replay: TRUEUP_SEED=${seed} npx vitest run <file>)`);
}
