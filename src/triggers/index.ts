export { nativeTriggers, triggersBrand } from "../seams/index.js";
export {
  Triggers,
  writerWithTriggers,
  type RegisteredTriggers,
  type TriggerCustomization,
} from "./triggers.js";
export type { Change, Trigger } from "./wrapped-database.js";
