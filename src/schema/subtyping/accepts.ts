/**
 * Decides whether every value of one validator fits another, on which every rule about schema changes stands. It looks for a
 * counterexample (`outside.ts`). "Accepted" means that there is none, so a change is never called safe that is not; "refused"
 * comes with a value as proof. Only a search that outgrows its budget ends undecided, which counts as refused.
 */
import type { ValidatorJson } from "../schema-json.js";
import { alternativesOf } from "./alternatives.js";
import { BudgetSpent, OutsideSearch } from "./outside.js";

/** How two validators relate. */
export type Inclusion =
  | { readonly kind: "accepted" }
  /** `value` fits the narrower validator and not the wider. Ids in it are `sampleId`s. */
  | { readonly kind: "refused"; readonly value: unknown }
  | { readonly kind: "undecided" };

/** A search gives up after so many steps, each of which compares two validators. */
const maxSteps = 20_000;

/**
 * Whether every value that fits `narrower` also fits `wider`, for all ids and all values. The answer is false also when that
 * could not be decided within the budget.
 */
export function accepts(wider: ValidatorJson, narrower: ValidatorJson): boolean {
  return include(wider, narrower).kind === "accepted";
}

/** As `accepts`, with a proof where the answer is no. */
export function include(wider: ValidatorJson, narrower: ValidatorJson): Inclusion {
  const search = new OutsideSearch(maxSteps);
  try {
    const outside = search.find(narrower, alternativesOf([wider]));
    return outside === undefined ? { kind: "accepted" } : { kind: "refused", value: outside.value };
  } catch (error) {
    if (error instanceof BudgetSpent) return { kind: "undecided" };
    throw error;
  }
}

/** True when the two take exactly the same values. */
export function equivalent(first: ValidatorJson, second: ValidatorJson): boolean {
  return accepts(first, second) && accepts(second, first);
}
