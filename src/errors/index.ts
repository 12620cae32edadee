export { errorCodes, type ErrorCode } from "./codes.js";
export { isTrueupError, TrueupError, type ErrorDetails } from "./trueup-error.js";
