/** Which earlier pushes have to be kept, because their code has transforms that documents still need. */
import type { QueryTransaction } from "../../database/index.js";
import { pushIdOf } from "./transform-functions.js";

/** Their ids. O(tables + transforms). */
export async function neededPushes(tx: QueryTransaction): Promise<ReadonlySet<string>> {
  const lagging = (await tx.transforms()).filter(({ state }) => state === "lagging");
  return new Set(lagging.flatMap(({ origin }) => pushIdOf(origin) ?? []));
}
