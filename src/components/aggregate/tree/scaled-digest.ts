/**
 * Digests that are multiplied by a factor, so that the same item counts differently in different namespaces. Linear: the
 * scaled digest of a set is the sum of the scaled digests of its items.
 */
import { addDigests, digestOf } from "./digest.js";

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
