/** The package's entry `trueup/test`: tests of Convex functions on the real engine. */
export { convexTest, type ConvexTestOptions } from "./convex-test.js";
export type { TestTransactionLimits } from "./test-backend.js";
export type {
  TestConvex,
  TestConvexForDataModel,
  TestConvexForDataModelAndIdentity,
  TestConvexRoot,
} from "./test-convex.js";
