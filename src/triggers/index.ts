export type { Change, Trigger } from "./change.js";
export {
  Triggers,
  writerWithTriggers,
  type RegisteredTriggers,
  type TriggerCustomization,
} from "./triggers.js";
export { nativeTriggers, triggersBrand } from "../seams/index.js";
