export type { BaseReader } from "./overlay.js";
export type { PendingRequest } from "./pending-request.js";
export { PendingRequests, type Seen } from "./pending-requests.js";
export { changesOf, readOf, type Changes } from "./heard-commits.js";
