/**
 * Triggers: functions that run in the transaction of a write.
 * @module trueup/triggers
 */
export { nativeTriggers, triggersBrand } from "../seams/index.js";
export {
  Triggers,
  writerWithTriggers,
  type RegisteredTriggers,
  type TriggerCustomization,
} from "./triggers.js";
export type { Change, Trigger } from "./wrapped-database.js";
