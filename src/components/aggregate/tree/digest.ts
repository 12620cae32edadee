/**
 * A fingerprint of a set of items that does not depend on their order: the sum, modulo 2^52, of a hash of each one.
 * Two sets with equal fingerprints differ with a probability of 2^-52. It guards against accidents, not attackers.
 */

const modulus = 2 ** 52;
const highMask = 0xfffff;

const view = new DataView(new ArrayBuffer(8));

/** The fingerprint of one item: its encoded position and its values. O(length). */
export function digestOf(order: string, values: readonly (number | null)[]): number {
  let a = 0x9e3779b9 ^ order.length;
  let b = 0x85ebca6b ^ values.length;
  for (let index = 0; index < order.length; index++) {
    const unit = order.charCodeAt(index);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b, 0x5bd1e995) + unit;
    b ^= b >>> 15;
  }
  for (const value of values) {
    // One bit pattern for every NaN, and another one, no number's, for a missing value.
    view.setFloat64(0, value === null || Number.isNaN(value) ? NaN : value);
    const high = view.getUint32(0);
    const low = value === null ? 1 : view.getUint32(4);
    a = Math.imul(a ^ high, 0x01000193) ^ low;
    b = Math.imul(b ^ low, 0x5bd1e995) + high;
    a = mix(a);
    b = mix(b);
  }
  a = mix(a ^ b);
  b = mix(b ^ Math.imul(a, 0xc2b2ae35));
  return (b & highMask) * 0x100000000 + (a >>> 0);
}

/** The fingerprint of two disjoint sets together. */
export function addDigests(a: number, b: number): number {
  const sum = a + b;
  return sum >= modulus ? sum - modulus : sum;
}

/** The fingerprint of what is left of a set when a subset is taken away. */
export function subtractDigests(a: number, b: number): number {
  return a >= b ? a - b : a - b + modulus;
}

function mix(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x45d9f3b);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x2c1b3c6d);
  return mixed ^ (mixed >>> 14);
}

/** An odd number for a text: multiplied with it, no two digests become one. O(length). */
export function factorOf(text: string): number {
  const digest = digestOf(text, []);
  return digest % 2 === 0 ? digest + 1 : digest;
}

const halfOfBits = 2 ** 26;

/** `digest * factor + addend`, modulo 2^52, of three numbers below it. Linear, so sums of digests scale as digests do. */
export function scaleDigest(digest: number, factor: number, addend: number): number {
  const digestLow = digest % halfOfBits;
  const factorLow = factor % halfOfBits;
  // No intermediate result exceeds 2^53.
  const middle =
    ((digest - digestLow) / halfOfBits) * factorLow + ((factor - factorLow) / halfOfBits) * digestLow;
  return addDigests(addDigests(digestLow * factorLow, (middle % halfOfBits) * halfOfBits), addend);
}
