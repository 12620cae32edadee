export { PendingRequests, type Seen } from "./pending-requests.js";
export type { PendingRequest } from "./pending-request.js";
export type { BaseReader } from "./overlay.js";
