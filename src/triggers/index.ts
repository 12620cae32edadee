export type { Change, Trigger } from "./change.js";
export {
  Triggers,
  triggersBrand,
  writerWithTriggers,
  type RegisteredTriggers,
  type TriggerCustomization,
} from "./triggers.js";
export { nativeTriggers } from "./wrapped-database.js";
