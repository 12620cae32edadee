/** Checks of managed aggregates, as the rest of the client sees them. */
export { advanceRun } from "./advance-run.js";
