export { errorCodes, isComponentCode, isErrorCode, type ErrorCode } from "./codes/index.js";
export { shown } from "./shown.js";
export { isTrueupError, TrueupError, type ErrorDetails } from "./trueup-error.js";
