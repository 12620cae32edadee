/** Hashes by which the CLI and the server agree on what has not changed. */
import { createHash } from "node:crypto";

/** SHA-256 of a module's source followed by its source map, in hex, as the official CLI computes it. */
export function moduleHash(module: { readonly source: string; readonly sourceMap?: string }): string {
  return createHash("sha256")
    .update(module.source)
    .update(module.sourceMap ?? "")
    .digest("hex");
}

/** SHA-256 of a text, in hex. */
export function textHash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
