/**
 * Stored files: each is a document of `_storage`, in a component's own system tables, and bytes in the file store. So a file
 * that a mutation stores or deletes is there, or gone, exactly if that mutation commits.
 */
import type { Document, MutationTransaction, QueryTransaction } from "../database/index.js";
import { TrueupError } from "../errors/index.js";
import type { FileStore } from "./file-store.js";

const table = "_storage";

/** What `getMetadata` tells of a file. */
export interface FileMetadata {
  readonly storageId: string;
  /** Hexadecimal. */
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
  readonly contentType: string | null;
}

/** A file on its way into the store. */
interface NewFile {
  readonly file: Blob;
  readonly hash: Uint8Array;
}

/** The files of one component. */
export class StoredFiles {
  readonly #store: FileStore;
  readonly #componentPath: string;

  constructor(store: FileStore, componentPath: string) {
    this.#store = store;
    this.#componentPath = componentPath;
  }

  /** The file's document; null when there is no such file. */
  async find(tx: QueryTransaction, storageId: string): Promise<Document | null> {
    const system = tx.system(this.#componentPath);
    return system.normalizeId(table, storageId) === null ? null : await system.get(storageId, table);
  }

  /**
   * Hashes a file that is to be inserted. It is apart from `insert`, so that no transaction waits for it.
   * @throws INVALID_VALUE when the file has another SHA-256 than is expected, in base64 or in hexadecimal.
   */
  async prepare(file: Blob, expected: string | undefined): Promise<NewFile> {
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    if (expected !== undefined && expected !== toBase64(hash) && expected !== toHexadecimal(hash)) {
      throw new TrueupError(
        "INVALID_VALUE",
        "storage.store: the file does not have the sha256 that was given.",
      );
    }
    return { file, hash };
  }

  /** Inserts the file's document, then puts its bytes into the store. Returns the file's id. */
  async insert(tx: MutationTransaction, { file, hash }: NewFile): Promise<string> {
    const contentType = file.type === "" ? {} : { contentType: file.type };
    const document = { sha256: toBase64(hash), size: file.size, ...contentType };
    const id = await tx.system(this.#componentPath).insert(table, document);
    await this.#store.put(id, file);
    return id;
  }

  /** Deletes the file's document, and its bytes when that has been committed. @throws DOCUMENT_NOT_FOUND */
  async delete(tx: MutationTransaction, storageId: string): Promise<void> {
    if ((await this.find(tx, storageId)) === null) {
      throw new TrueupError("DOCUMENT_NOT_FOUND", `storage.delete: there is no file '${storageId}'.`, {
        id: storageId,
      });
    }
    await tx.system(this.#componentPath).delete(storageId, table);
    tx.afterCommit(() => this.#store.remove(storageId));
  }
}

/** What a file's document says of it. */
export function metadataOf({ _id, sha256, size, contentType }: Document): FileMetadata {
  return {
    storageId: _id,
    sha256: toHexadecimal(fromBase64(typeof sha256 === "string" ? sha256 : "")),
    size: Number(size),
    contentType: typeof contentType === "string" ? contentType : null,
  };
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

function toHexadecimal(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
