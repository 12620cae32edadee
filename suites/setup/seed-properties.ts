/** Gives every property test of a test file the run's seed, so that one number replays the whole run. */
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env["TRUEUP_SEED"]) });
