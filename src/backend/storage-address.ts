/** Names storages that several processes share by their addresses, as operators do. */
import { parseAddress, postgres } from "../storage/postgres/index.js";
import type { OpenStorage } from "../storage/storage.js";

/** A storage that is not open yet. */
export interface SharedStorage {
  /** The address without user and password, to be shown. */
  readonly name: string;
  readonly open: OpenStorage;
}

/** @throws STORAGE_ADDRESS_INVALID, without the address, since it may hold a password */
export function sharedStorage(address: string): SharedStorage {
  return { name: parseAddress(address).name, open: postgres(address) };
}
