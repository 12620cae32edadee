/** Ends a property at its first failure, which is enough to notice a mutant: nobody needs the smallest case. */
import fc from "fast-check";

fc.configureGlobal({ ...fc.readConfigureGlobal(), endOnFailure: true });
