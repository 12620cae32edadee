/**
 * Sums of doubles that never round: any order of additions and subtractions gives the same, true sum.
 *
 * A sum is kept as its greedy expansion: the double nearest to it, then the double nearest to what is left, and so on
 * (Shewchuk 1997, "Adaptive Precision Floating-Point Arithmetic"; rounding as in Python's fsum). The form is canonical,
 * so equal sums are equal values; its first part is the correctly rounded result; and a sum that is itself a double,
 * which is what integers and counts give, is just that number. Sums beyond the range of doubles, which only addition
 * can reach, are kept as a hexadecimal count of the smallest double. NaN and infinities are counted apart, so that
 * they leave when what brought them is taken away again.
 */
import { doubleToUnits, unitsToDouble } from "./fixed-point.js";

/** A finite sum: a double, the parts of an expansion (largest first), or hexadecimal units of 2^-1074. */
export type FiniteSum = number | number[] | string;

/** A finite sum, and how many NaNs and infinities were added beside it. */
export type MixedSum = { finite: FiniteSum; nan: number; positive: number; negative: number };

/** An exact sum: never changed, and a value of Convex, as which it is stored. */
export type ExactSum = FiniteSum | MixedSum;

/** Beyond this magnitude an addition could overflow, and is done on integers instead. */
const hugeValue = 2 ** 1020;

/** The correctly rounded value of a sum. NaN when it holds a NaN or both infinities. O(1). */
export function roundSum(sum: ExactSum): number {
  if (typeof sum === "number") return sum;
  if (typeof sum === "string") return sum.startsWith("-") ? -Infinity : Infinity;
  if (isParts(sum)) return sum[0] as number;
  if (sum.nan > 0 || (sum.positive > 0 && sum.negative > 0)) return NaN;
  if (sum.positive > 0) return Infinity;
  return sum.negative > 0 ? -Infinity : roundSum(sum.finite);
}

/** The sum of two sums. A few operations when both are doubles and so is the result; else O(parts²). */
export function addSums(a: ExactSum, b: ExactSum): ExactSum {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isFinite(sum)) {
      const error = additionError(a, b, sum);
      return error === 0 ? sum + 0 : [sum, error];
    }
  }
  const total = new SumAccumulator();
  total.add(a);
  total.add(b);
  return total.result();
}

/** The sum of two doubles when it is a double, too; else null. */
export function addExactly(a: number, b: number): number | null {
  const sum = a + b;
  return Number.isFinite(sum) && additionError(a, b, sum) === 0 ? sum + 0 : null;
}

/** What is left of `a` when `b`, which was added to it before, is taken away. */
export function subtractSums(a: ExactSum, b: ExactSum): ExactSum {
  return addSums(a, negateSum(b));
}

/** The sum of a single value, which may be any double. */
export function sumOf(value: number): ExactSum {
  if (Number.isFinite(value)) return value + 0;
  return {
    finite: 0,
    nan: Number.isNaN(value) ? 1 : 0,
    positive: value === Infinity ? 1 : 0,
    negative: value === -Infinity ? 1 : 0,
  };
}

/** True when two sums are the same number, and hold the same NaNs and infinities. */
export function equalSums(a: ExactSum, b: ExactSum): boolean {
  if (typeof a !== "object" || typeof b !== "object") return a === b;
  if (isParts(a)) return isParts(b) && a.length === b.length && a.every((part, index) => part === b[index]);
  if (isParts(b)) return false;
  return (
    a.nan === b.nan && a.positive === b.positive && a.negative === b.negative && equalSums(a.finite, b.finite)
  );
}

/** How many doubles it takes to store a sum. */
export function sumParts(sum: ExactSum): number {
  if (typeof sum === "number") return 1;
  if (typeof sum === "string") return sum.length >> 3;
  return isParts(sum) ? sum.length : 3 + sumParts(sum.finite);
}

/**
 * Adds up many sums and brings the total into its canonical form once. Invariant: the parts are non-overlapping,
 * smallest first, and their sum plus `units` of 2^-1074 is the finite part of the total.
 */
export class SumAccumulator {
  #parts: number[] = [];
  #units: bigint | null = null;
  #nan = 0;
  #positive = 0;
  #negative = 0;

  add(sum: ExactSum): void {
    if (typeof sum === "number") this.#addDouble(sum);
    else if (typeof sum === "string") this.#units = this.#takeUnits() + parseUnits(sum);
    else if (isParts(sum)) for (const part of sum) this.#addDouble(part);
    else {
      this.#nan += sum.nan;
      this.#positive += sum.positive;
      this.#negative += sum.negative;
      this.add(sum.finite);
    }
  }

  result(): ExactSum {
    const finite = this.#units === null ? expandParts(this.#parts) : expandUnits(this.#takeUnits());
    if (this.#nan === 0 && this.#positive === 0 && this.#negative === 0) return finite;
    return { finite, nan: this.#nan, positive: this.#positive, negative: this.#negative };
  }

  #addDouble(value: number): void {
    const parts = this.#parts;
    const largest = parts.length === 0 ? 0 : (parts[parts.length - 1] as number);
    if (this.#units !== null || Math.abs(value) >= hugeValue || Math.abs(largest) >= hugeValue) {
      this.#units = this.#takeUnits() + doubleToUnits(value);
    } else {
      growParts(parts, value);
    }
  }

  #takeUnits(): bigint {
    let units = this.#units ?? 0n;
    for (const part of this.#parts) units += doubleToUnits(part);
    this.#parts = [];
    return units;
  }
}

function isParts(sum: number[] | MixedSum): sum is number[] {
  return Array.isArray(sum);
}

function negateSum(sum: ExactSum): ExactSum {
  if (typeof sum !== "object" || isParts(sum)) return negateFinite(sum);
  const { finite, nan, positive, negative } = sum;
  return { finite: negateFinite(finite), nan: -nan, positive: -positive, negative: -negative };
}

function negateFinite(sum: FiniteSum): FiniteSum {
  if (typeof sum === "number") return -sum;
  if (typeof sum === "string") return sum.startsWith("-") ? sum.slice(1) : `-${sum}`;
  return sum.map((part) => -part);
}

/** What rounding took from `a + b`, exactly (Knuth's two-sum). */
function additionError(a: number, b: number, sum: number): number {
  const second = sum - a;
  return a - (sum - second) + (b - second);
}

/** Adds a double to non-overlapping parts, smallest first, which they remain. */
function growParts(parts: number[], value: number): void {
  let kept = 0;
  let carry = value;
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index] as number;
    const sum = carry + part;
    const error = additionError(carry, part, sum);
    if (error !== 0) parts[kept++] = error;
    carry = sum;
  }
  parts.length = kept;
  if (carry !== 0) parts.push(carry);
}

function expandParts(parts: readonly number[]): FiniteSum {
  if (parts.length <= 1) return parts[0] ?? 0;
  const rest = [...parts];
  const expansion: number[] = [];
  while (rest.length > 0) {
    const nearest = roundParts(rest);
    expansion.push(nearest);
    growParts(rest, -nearest);
  }
  return expansion.length === 1 ? (expansion[0] as number) : expansion;
}

/** The double nearest to the sum of non-overlapping parts, ties to even. */
function roundParts(parts: readonly number[]): number {
  let index = parts.length - 1;
  let nearest = parts[index] as number;
  let error = 0;
  while (index > 0 && error === 0) {
    const part = parts[--index] as number;
    const sum = nearest + part;
    error = additionError(nearest, part, sum);
    nearest = sum;
  }
  // A tie was rounded to even before the smaller parts were seen: they decide it.
  const next = index > 0 ? (parts[index - 1] as number) : 0;
  if ((error < 0 && next < 0) || (error > 0 && next > 0)) {
    const doubled = error * 2;
    const moved = nearest + doubled;
    if (moved - nearest === doubled) return moved;
  }
  return nearest;
}

function expandUnits(units: bigint): FiniteSum {
  const expansion: number[] = [];
  let rest = units;
  while (rest !== 0n) {
    const nearest = unitsToDouble(rest);
    if (!Number.isFinite(nearest)) return rest.toString(16);
    expansion.push(nearest);
    rest -= doubleToUnits(nearest);
  }
  return expansion.length <= 1 ? (expansion[0] ?? 0) : expansion;
}

function parseUnits(text: string): bigint {
  return text.startsWith("-") ? -BigInt(`0x${text.slice(1)}`) : BigInt(`0x${text}`);
}
