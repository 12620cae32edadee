/** Tells transforms apart by what they do, as far as their source shows it. */
import { createHash } from "node:crypto";
import type { DeclaredTransform } from "../../functions/index.js";

/**
 * The same for two declarations with the same source. Two that differ only in what they close over are taken as equal. The
 * table is left out, since its name may change while documents still need the transform.
 */
export function fingerprintOf({ up, down, rename }: DeclaredTransform): string {
  const source = rename ?? [String(up), down === undefined ? null : String(down)];
  return createHash("sha256").update(JSON.stringify(source)).digest("hex").slice(0, 32);
}
