/** The `q` of `.withIndex(name, (q) => ...)`: collects the bounds of an index range, one chain per range. */
import { TrueupError } from "../../errors/index.js";
import type { RangeBound } from "../../database/index.js";
import { copyValue, unlimitedValues } from "../boundary/copy-value.js";

/** Each method returns the next link of the chain; a link is used once. */
export class IndexRangeBuilder {
  readonly #bounds: readonly RangeBound[];
  #used = false;

  constructor(bounds: readonly RangeBound[] = []) {
    this.#bounds = bounds;
  }

  eq(fieldPath: string, value: unknown): IndexRangeBuilder {
    return this.#with("Eq", fieldPath, value);
  }
  gt(fieldPath: string, value: unknown): IndexRangeBuilder {
    return this.#with("Gt", fieldPath, value);
  }
  gte(fieldPath: string, value: unknown): IndexRangeBuilder {
    return this.#with("Gte", fieldPath, value);
  }
  lt(fieldPath: string, value: unknown): IndexRangeBuilder {
    return this.#with("Lt", fieldPath, value);
  }
  lte(fieldPath: string, value: unknown): IndexRangeBuilder {
    return this.#with("Lte", fieldPath, value);
  }

  /** The bounds collected along the chain. */
  export(): readonly RangeBound[] {
    this.#use();
    return this.#bounds;
  }

  #with(type: RangeBound["type"], fieldPath: string, value: unknown): IndexRangeBuilder {
    this.#use();
    const literal = value === undefined ? undefined : copyValue(value, unlimitedValues);
    return new IndexRangeBuilder([...this.#bounds, { type, fieldPath, value: literal }]);
  }

  #use(): void {
    if (this.#used) {
      throw new TrueupError(
        "INVALID_CALL",
        "An index range builder is used once: chain the calls like `q => q.eq(...).gt(...)`.",
      );
    }
    this.#used = true;
  }
}
