/**
 * `ctx.storage` on a `FileStore`: each file is a document of `_storage`, so a file that a mutation stores or
 * deletes is there, or gone, exactly if that mutation commits. From an action each call is a transaction.
 */
import { TrueupError } from "../../errors/index.js";
import type { Document, MutationTransaction, QueryTransaction } from "../../database/index.js";
import type { Execution } from "../execution/execution.js";
import type { FileStore } from "../execution/file-store.js";
import { fileStorage } from "./not-supported.js";
import { requireArgument } from "./require-argument.js";

const table = "_storage";

/** What `getMetadata` tells of a file. */
interface FileMetadata {
  readonly storageId: string;
  /** Hexadecimal. */
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
  readonly contentType: string | null;
}

/** What every function may ask of a file. */
interface StorageReader {
  getUrl(storageId: string): Promise<string | null>;
  getMetadata(storageId: string): Promise<FileMetadata | null>;
}

/** `ctx.storage` of mutations and actions. */
interface StorageWriter extends StorageReader {
  generateUploadUrl(): Promise<string>;
  delete(storageId: string): Promise<void>;
  get(storageId: string): Promise<Blob | null>;
  store(file: Blob, options?: { sha256?: string }): Promise<string>;
}

/** `ctx.storage`; without a file store every use of it says that it is not supported. */
export function storageReader(execution: Execution): StorageReader | typeof fileStorage {
  const { files } = execution.engine;
  return files === null ? fileStorage : reader(execution, files);
}

/** `ctx.storage` of a mutation or an action. */
export function storageWriter(execution: Execution): StorageWriter | typeof fileStorage {
  const { files } = execution.engine;
  return files === null ? fileStorage : writer(execution, files);
}

function reader(execution: Execution, files: FileStore): StorageReader {
  return {
    async getUrl(storageId) {
      const document = await find(execution, storageId, "getUrl");
      return document === null ? null : files.url(document._id);
    },
    async getMetadata(storageId) {
      const document = await find(execution, storageId, "getMetadata");
      if (document === null) {
        return null;
      }
      const { _id, sha256, size, contentType } = document;
      return {
        storageId: _id,
        sha256: hexadecimal(fromBase64(typeof sha256 === "string" ? sha256 : "")),
        size: Number(size),
        contentType: typeof contentType === "string" ? contentType : null,
      };
    },
  };
}

function writer(execution: Execution, files: FileStore): StorageWriter {
  return {
    ...reader(execution, files),
    generateUploadUrl: () => Promise.resolve(files.uploadUrl()),
    async get(storageId) {
      const document = await find(execution, storageId, "get");
      return document === null ? null : await files.get(document._id);
    },
    async delete(storageId) {
      requireArgument(storageId, 1, "delete", "storageId");
      await writing(execution, async (tx) => {
        const documents = tx.system(execution.component.path);
        if (
          documents.normalizeId(table, storageId) === null ||
          (await documents.get(storageId, table)) === null
        ) {
          throw new TrueupError("DOCUMENT_NOT_FOUND", `storage.delete: there is no file '${storageId}'.`, {
            id: storageId,
          });
        }
        await documents.delete(storageId, table);
        tx.afterCommit(() => files.remove(storageId));
      });
    },
    async store(file, options) {
      requireArgument(file, 1, "store", "blob");
      const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
      const sha256 = btoa(String.fromCharCode(...hash));
      const expected = options?.sha256;
      if (expected !== undefined && expected !== sha256 && expected !== hexadecimal(hash)) {
        throw new TrueupError(
          "INVALID_VALUE",
          "storage.store: the file does not have the sha256 that was given.",
        );
      }
      const contentType = file.type === "" ? {} : { contentType: file.type };
      return await writing(execution, async (tx) => {
        const document = { sha256, size: file.size, ...contentType };
        const id = await tx.system(execution.component.path).insert(table, document);
        await files.put(id, file);
        return id;
      });
    },
  };
}

async function find(execution: Execution, storageId: unknown, method: string): Promise<Document | null> {
  requireArgument(storageId, 1, method, "storageId");
  const id = String(storageId);
  const read = async (tx: QueryTransaction): Promise<Document | null> => {
    const system = tx.system(execution.component.path);
    return system.normalizeId(table, id) === null ? null : await system.get(id, table);
  };
  execution.assertRunning();
  if (execution.scope === null) {
    return (await execution.engine.database.query(read, { limits: null })).value;
  }
  await execution.turn.free();
  return await read(execution.scope.tx);
}

async function writing<T>(
  execution: Execution,
  operation: (tx: MutationTransaction) => Promise<T>,
): Promise<T> {
  execution.assertRunning();
  if (execution.scope === null) {
    return (await execution.engine.database.mutate(operation, { limits: null })).value;
  }
  const entered = await execution.turn.enter();
  try {
    return await operation(execution.mutation);
  } finally {
    if (entered) {
      execution.turn.leave();
    }
  }
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

function hexadecimal(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
