/**
 * Copies what crosses between functions and checks that it is a Convex value, so that caller and callee never share an
 * object. One pass over the value does both. A value that fails is handed to `convexToJson`, whose error says best where
 * and why.
 */
import { CommitTsPlaceholder, convexToJson, getConvexSize, type Value } from "convex/values";
import { shown, TrueupError } from "../../errors/index.js";
import { isPlainObject } from "../../values/index.js";

/** How large a value may be that is passed to a function or returned by one. */
export interface ValueLimits {
  readonly sizeBytes: number;
  readonly arrayLength: number;
  readonly objectFields: number;
  readonly nesting: number;
}

/** Convex's limits on arguments and results. */
export const convexValueLimits: ValueLimits = {
  sizeBytes: 16 * 1024 * 1024,
  arrayLength: 8192,
  objectFields: 1024,
  nesting: 64,
};

/** The limit that stays when limits are lifted: a bound on nesting, which guards the stack. */
export const unlimitedValues: ValueLimits = {
  sizeBytes: Infinity,
  arrayLength: Infinity,
  objectFields: Infinity,
  nesting: 1000,
};

class NotAValue extends Error {}

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;
const knownFieldNames = new Set<string>();
let charsSeen = 0;

/**
 * A deep copy of a Convex value; fields that are undefined are left out. O(size).
 * @throws INVALID_VALUE when it is not a Convex value or exceeds the limits.
 */
export function copyValue(value: unknown, limits: ValueLimits = convexValueLimits): Value {
  charsSeen = 0;
  try {
    const copied = copy(value, limits, 0);
    // A char takes at most three bytes of UTF-8, so only a value that might be too large is measured exactly.
    if (charsSeen * 3 > limits.sizeBytes && getConvexSize(copied) > limits.sizeBytes) {
      throw new NotAValue(`Value is too large (maximum size ${limits.sizeBytes} bytes)`);
    }
    return copied;
  } catch (error) {
    if (error instanceof NotAValue) {
      throw new TrueupError("INVALID_VALUE", explain(value, error.message), {}, error);
    }
    throw error;
  }
}

function copy(value: unknown, limits: ValueLimits, depth: number): Value {
  switch (typeof value) {
    case "string":
      if (!value.isWellFormed()) throw new NotAValue("A string with half a character is no value");
      charsSeen += value.length + 2;
      return value;
    case "number":
    case "boolean":
      charsSeen += 3;
      return value;
    case "bigint":
      if (value < int64Min || value > int64Max) {
        throw new NotAValue("BigInt does not fit into a 64-bit signed integer");
      }
      charsSeen += 3;
      return value;
    case "object":
      return value === null ? null : copyObject(value, limits, depth + 1);
    default:
      throw new NotAValue(`${typeof value} is not a Convex value`);
  }
}

function copyObject(value: object, limits: ValueLimits, depth: number): Value {
  if (depth > limits.nesting) {
    throw new NotAValue(`Value is too deeply nested (maximum nesting ${limits.nesting})`);
  }
  if (Array.isArray(value)) {
    return copyArray(value, limits, depth);
  }
  if (value instanceof ArrayBuffer) {
    charsSeen += value.byteLength;
    return value.slice(0);
  }
  if (value instanceof CommitTsPlaceholder) {
    return value;
  }
  if (!isPlainObject(value)) {
    throw new NotAValue("Only plain objects are Convex values");
  }
  return copyFields(value, limits, depth);
}

function copyArray(items: readonly unknown[], limits: ValueLimits, depth: number): Value[] {
  if (items.length > limits.arrayLength) {
    throw new NotAValue(`Array length is too long (${items.length} > maximum length ${limits.arrayLength})`);
  }
  const copied: Value[] = [];
  for (let i = 0; i < items.length; i += 1) {
    copied.push(copy(items[i], limits, depth));
  }
  return copied;
}

function copyFields(value: object, limits: ValueLimits, depth: number): Value {
  const source = value as Record<string, unknown>;
  const copied: Record<string, Value> = {};
  let fields = 0;
  for (const name of Object.keys(source)) {
    const field = source[name];
    if (field === undefined) {
      continue;
    }
    if (!knownFieldNames.has(name)) {
      checkFieldName(name);
    }
    fields += 1;
    charsSeen += name.length;
    const inner = copy(field, limits, depth);
    if (name === "__proto__") {
      Object.defineProperty(copied, name, {
        value: inner,
        enumerable: true,
        writable: true,
        configurable: true,
      });
    } else {
      copied[name] = inner;
    }
  }
  if (fields > limits.objectFields) {
    throw new NotAValue(`Object has too many fields (${fields} > maximum number ${limits.objectFields})`);
  }
  return copied;
}

function checkFieldName(name: string): void {
  if (name.length > 1024 || !/^(?!\$)[ -~]*$/.test(name)) {
    throw new NotAValue(`${shown(name)} is not a field name`);
  }
  if (knownFieldNames.size < 10_000) {
    knownFieldNames.add(name);
  }
}

/**
 * The value with the commit's timestamp in the place of each placeholder for it, once the mutation that returned it is committed.
 */
export function resolveCommitTs(value: Value, commitTs: bigint): Value {
  if (value instanceof CommitTsPlaceholder) {
    return commitTs;
  }
  if (Array.isArray(value)) {
    return value.map((item) => resolveCommitTs(item, commitTs));
  }
  if (typeof value === "object" && value !== null && !(value instanceof ArrayBuffer)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, field]) => [
        key,
        field === undefined ? undefined : resolveCommitTs(field, commitTs),
      ]),
    );
  }
  return value;
}

function explain(value: unknown, reason: string): string {
  try {
    convexToJson(value as Value);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return `${reason}.`;
}
