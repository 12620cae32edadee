/**
 * A validator made ready for many values: a closure for the yes, an explanation for the no.
 */
import type { ValidatorJson } from "../schema-json.js";
import type { CheckContext } from "./check-context.js";
import { compileFits, type Fits } from "./compile-fits.js";
import { explain } from "./explain.js";
import type { Violation } from "./violation.js";

/** A compiled validator. */
export interface CompiledValidator {
  readonly validator: ValidatorJson;
  /** True when the value fits; allocates nothing. */
  readonly fits: Fits;
  /** The violations, at most 64; the same empty list each time when the value fits. */
  readonly check: (value: unknown, context: CheckContext) => readonly Violation[];
}

/** What every fitting value has. */
export const noViolations: readonly Violation[] = Object.freeze([]);

/** Compiles a validator once, to be kept and reused. O(size of the validator). */
export function compileValidator(validator: ValidatorJson): CompiledValidator {
  const fits = compileFits(validator);
  return {
    validator,
    fits,
    check: (value, context) => (fits(value, context) ? noViolations : explain(validator, value, context)),
  };
}

const compiled = new WeakMap<ValidatorJson, CompiledValidator>();

/**
 * The violations of one value; an absent value is `undefined`. The compiled form is remembered for as
 * long as the validator object lives.
 */
export function checkValue(
  validator: ValidatorJson,
  value: unknown,
  context: CheckContext,
): readonly Violation[] {
  let ready = compiled.get(validator);
  if (ready === undefined) {
    ready = compileValidator(validator);
    compiled.set(validator, ready);
  }
  return ready.check(value, context);
}
