/** The port behind `ctx.storage`: where the bytes of stored files are. */

/**
 * Contract: a file is there for functions while its document in `_storage` is; the store only keeps bytes.
 * `put` happens before that document is committed, `remove` after its removal is.
 */
export interface FileStore {
  put(storageId: string, file: Blob): Promise<void>;
  /** Null when there are no such bytes. */
  get(storageId: string): Promise<Blob | null>;
  remove(storageId: string): void;
  /** Where the file can be fetched. */
  url(storageId: string): string;
  /** Where a file can be posted to. */
  uploadUrl(): string;
}
