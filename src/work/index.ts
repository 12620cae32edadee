export { pause, platformClock } from "./clock.js";
export { backoffMs, WorkLoop, type Owner, type Others, type Work } from "./work-loop.js";
