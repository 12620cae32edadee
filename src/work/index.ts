export { currentClock, pause, platformClock } from "./clock.js";
export { backoffMs, WorkLoop, type LoopedWork, type Others, type Owner } from "./work-loop.js";
