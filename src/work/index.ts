export { currentClock, pause, platformClock, type Clock } from "./clock.js";
export { hashOf, type LeaseReader } from "./lease-entries.js";
export { assertHeld, Leases, type Lease } from "./leases.js";
export { backoffMs, LeaseLost, WorkLoop, type LoopedWork, type Others, type Owner } from "./work-loop.js";
