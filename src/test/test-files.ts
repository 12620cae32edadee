/** The files of one test, in memory. Their URLs name a place where nothing is served. */
import type { FileStore } from "../files/index.js";

const origin = "https://some-deployment.convex.cloud/api/storage";

export class TestFiles implements FileStore {
  readonly #files = new Map<string, Blob>();
  #uploads = 0;

  put(storageId: string, file: Blob): Promise<void> {
    this.#files.set(storageId, file);
    return Promise.resolve();
  }
  get(storageId: string): Promise<Blob | null> {
    return Promise.resolve(this.#files.get(storageId) ?? null);
  }
  remove(storageId: string): void {
    this.#files.delete(storageId);
  }
  url(storageId: string): string {
    return `${origin}/${storageId}`;
  }
  uploadUrl(): string {
    this.#uploads += 1;
    return `${origin}/upload?token=${this.#uploads}`;
  }
}
