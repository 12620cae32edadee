/** Where data lies that several openings share: suites hold whatever is opened several times to the same claims in each place. */
import { sharedMemory, type SharedMemoryOptions } from "../../src/storage/memory/index.js";
import type { OpenStorage } from "../../src/storage/storage.js";
import { newPostgres } from "./postgres.js";

/** Its name, and what makes a storage there to which nobody has written, to be opened as often as one likes. */
type SharedPlace = readonly [name: string, newStorage: () => OpenStorage];

/**
 * Each place with its name.
 * @param lateness How steps in the memory are delayed, as those to a database are by themselves.
 */
export function sharedStorages(
  lateness?: SharedMemoryOptions,
): readonly [memory: SharedPlace, database: SharedPlace] {
  return [
    ["memory", () => sharedMemory(lateness).open],
    ["Postgres", newPostgres],
  ];
}
