/**
 * Tests of Convex functions on the real engine, with the interface of `convex-test`.
 * @module trueup/test
 */
export { convexTest, type ConvexTestOptions } from "./convex-test.js";
export {
  defineTestApp,
  type ComponentRegistration,
  type TestApp,
  type TestAppDefinition,
} from "./define-test-app.js";
export type { TestTransactionLimits } from "./test-backend.js";
export type {
  TestConvex,
  TestConvexForDataModel,
  TestConvexForDataModelAndIdentity,
  TestConvexRoot,
} from "./test-convex.js";
