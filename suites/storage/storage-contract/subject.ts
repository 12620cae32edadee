/** What the parts of the storage contract are given to test. */
import type { OpenStorage, Storage } from "../../../src/storage/storage.js";

/** A storage not used before; called once per test. May be asynchronous. */
export type NewStorage = () => OpenStorage | Promise<OpenStorage>;

/** Opens a new storage, or the given one, and sees to it that it is closed after the test. */
export type Open = (openStorage?: OpenStorage) => Promise<Storage>;

/** Registers a claim about storages that several may have open at once; it is skipped for all others. */
export type ClaimOfOpenings = (
  name: string,
  check: (first: Storage, second: Storage, third: Storage) => Promise<void>,
) => void;
