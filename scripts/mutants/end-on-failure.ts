/** A mutant is noticed when a property fails; the smallest case that shows it is of no interest. */
import fc from "fast-check";

fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true });
