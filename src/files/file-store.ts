/**
 * The port behind `ctx.storage`: keeps the bytes of stored files.
 *
 * Contract: a file is there for functions while its document in `_storage` is; the store only keeps bytes. `put` happens
 * before that document is committed, `remove` after the removal of that document is committed.
 */
export interface FileStore {
  put(storageId: string, file: Blob): Promise<void>;
  /** Null when the store has no such bytes. */
  get(storageId: string): Promise<Blob | null>;
  remove(storageId: string): void;
  /** The URL at which the file can be fetched. */
  url(storageId: string): string;
  /** A URL to which a file can be posted. */
  uploadUrl(): string;
}
