/**
 * Lets Stryker try only a sample of a room's mutants, drawn at random by a seed: for rooms of which all would take hours.
 * A mutant that is not drawn is reported as one that does not compile, which counts for nothing.
 */
import { createHash } from "node:crypto";

const [size, seed] = (process.env["TRUEUP_MUTANTS_SAMPLE"] ?? "").split(":");

/** Where a mutant stands in the order that the seed gives, which does not depend on other mutants. */
function rankOf({ fileName, location, replacement }) {
  return createHash("sha256")
    .update(JSON.stringify([seed, fileName.slice(process.cwd().length), location, replacement]))
    .digest("hex");
}

class SampleChecker {
  #drawn = new Set();

  async init() {}

  /** Stryker asks once, with all mutants of the run. */
  async group(mutants) {
    const ranked = mutants.map((mutant) => ({ id: mutant.id, rank: rankOf(mutant) }));
    ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
    this.#drawn = new Set(ranked.slice(0, Number(size)).map(({ id }) => id));
    return [mutants.map(({ id }) => id)];
  }

  async check(mutants) {
    return Object.fromEntries(
      mutants.map(({ id }) => [
        id,
        this.#drawn.has(id) ? { status: "passed" } : { status: "compileError", reason: "not drawn" },
      ]),
    );
  }
}

export const strykerPlugins = [{ kind: "Checker", name: "sample", injectableClass: SampleChecker }];
