/** Tells transforms apart by what they do, as far as their source shows it. */
import { createHash } from "node:crypto";
import type { DeclaredTransform } from "../../functions/index.js";

/** The same for two declarations with the same source. Two that differ only in what they close over are taken as equal. */
export function fingerprintOf({ table, up, down, rename }: DeclaredTransform): string {
  const source = rename ?? [String(up), down === undefined ? null : String(down)];
  return createHash("sha256")
    .update(JSON.stringify([table, source]))
    .digest("hex")
    .slice(0, 32);
}
