/**
 * Doubles as whole numbers of the smallest positive double, 2^-1074: every finite double is one exactly. The slow
 * but unbounded arithmetic beneath `exact-sum.ts`, for sums that leave the range of doubles.
 */

const fractionBits = 52n;
const fractionMask = 2n ** fractionBits - 1n;
const hiddenBit = 2n ** fractionBits;
const exponentMask = 0x7ffn;
const significantBits = 53;
const infiniteExponent = 0x7ff;

const view = new DataView(new ArrayBuffer(8));

/** How many units of 2^-1074 a finite double is. */
export function doubleToUnits(value: number): bigint {
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  const exponent = (bits >> fractionBits) & exponentMask;
  const fraction = bits & fractionMask;
  const units = exponent === 0n ? fraction : (fraction | hiddenBit) << (exponent - 1n);
  return value < 0 ? -units : units;
}

/** The double nearest to that many units, ties to even; an infinity beyond the largest double. */
export function unitsToDouble(units: bigint): number {
  const magnitude = units < 0n ? -units : units;
  const bitCount = magnitude.toString(2).length;
  let bits = magnitude;
  if (bitCount > significantBits) {
    const dropped = bitCount - significantBits;
    let exponent = dropped + 1;
    let significand = roundHalfEven(magnitude, BigInt(dropped));
    if (significand === hiddenBit * 2n) {
      significand = hiddenBit;
      exponent++;
    }
    if (exponent >= infiniteExponent) return units < 0n ? -Infinity : Infinity;
    bits = (BigInt(exponent) << fractionBits) | (significand & fractionMask);
  }
  // Up to 53 significant bits the units are the very bits of the double: the hidden bit carries into the exponent.
  view.setBigUint64(0, bits);
  const value = view.getFloat64(0);
  return units < 0n ? -value : value;
}

function roundHalfEven(value: bigint, droppedBits: bigint): bigint {
  const kept = value >> droppedBits;
  const rest = value & ((1n << droppedBits) - 1n);
  const half = 1n << (droppedBits - 1n);
  return rest > half || (rest === half && (kept & 1n) === 1n) ? kept + 1n : kept;
}
