/** Checks of aggregates, as the rest of the client sees them. */
export { advanceRun, type CheckedSource } from "./advance-run.js";
export { readReport, startVerify } from "./runs.js";
export {
  TableVerification,
  type VerificationOperations,
  type VerificationStep,
} from "./table-verification.js";
