/** A transform that a deploy begins, forth or back. */
import type { TransformDefinition, TransformFunction } from "../../database/index.js";
import type { ValidatorJson } from "../../schema/index.js";
import type { AppliedTransform } from "./step-history.js";

/** The documents that a transform is written for. */
export interface Taken {
  readonly type: ValidatorJson;
  /** What to say of a document of another type. */
  readonly otherwise: string;
}

/** What is recorded of a transform before it has begun. */
export type TransformRecord = Omit<AppliedTransform, "shape" | "appliedAtMs">;

export interface TransformStep {
  /** Its table by the name that it has then. */
  readonly table: string;
  readonly definition: TransformDefinition;
  readonly run: TransformFunction;
  /** What it is written for; null where that is not known, or where every document comes to it in one shape. */
  readonly takes: Taken | null;
  /** What is to be recorded of one that goes forth; null for one that takes another back. */
  readonly record: TransformRecord | null;
}
