/** Checks of aggregates, as the rest of the client sees them. */
export { advanceRun, readReport, startVerify, type CheckedSource } from "./runs.js";
export {
  TableVerification,
  type VerificationOperations,
  type VerificationStep,
} from "./table-verification.js";
