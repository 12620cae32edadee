/** `ctx.storage` on a file store. In a mutation it is part of the transaction; in an action each call is a transaction. */
import type { MutationTransaction, QueryTransaction } from "../../database/index.js";
import { metadataOf, StoredFiles, type FileMetadata, type FileStore } from "../../files/index.js";
import type { Execution } from "../execution/execution.js";
import { shown, TrueupError } from "../../errors/index.js";
import { notSupported, requireArgument } from "./refused-calls.js";

/** `ctx.storage` of a query. */
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

const methods = ["getUrl", "getMetadata", "generateUploadUrl", "delete", "store", "get"] as const;
type WithoutFiles = Readonly<Record<(typeof methods)[number], () => Promise<never>>>;

/** `ctx.storage` where there is no file store: each method rejects with FEATURE_NOT_SUPPORTED. */
const withoutFiles = Object.freeze(
  Object.fromEntries(
    methods.map((name) => [name, () => Promise.reject(notSupported(`File storage (storage.${name})`))]),
  ),
) as WithoutFiles;

/** `ctx.storage` of a query. */
export function storageReader(execution: Execution): StorageReader | WithoutFiles {
  const { files } = execution.engine;
  return files === null ? withoutFiles : reader(execution, files, storedFilesOf(execution, files));
}

/** `ctx.storage` of a mutation or an action. */
export function storageWriter(execution: Execution): StorageWriter | WithoutFiles {
  const { files } = execution.engine;
  return files === null ? withoutFiles : writer(execution, files);
}

function storedFilesOf({ component }: Execution, files: FileStore): StoredFiles {
  return new StoredFiles(files, component.path);
}

function reader(execution: Execution, files: FileStore, stored: StoredFiles): StorageReader {
  return {
    async getUrl(storageId) {
      requireStorageId(storageId, "getUrl");
      const document = await reading(execution, (tx) => stored.find(tx, storageId));
      return document === null ? null : files.url(document._id);
    },
    async getMetadata(storageId) {
      requireStorageId(storageId, "getMetadata");
      const document = await reading(execution, (tx) => stored.find(tx, storageId));
      return document === null ? null : metadataOf(document);
    },
  };
}

function writer(execution: Execution, files: FileStore): StorageWriter {
  const stored = storedFilesOf(execution, files);
  return {
    ...reader(execution, files, stored),
    generateUploadUrl: () => Promise.resolve(files.uploadUrl()),
    async get(storageId) {
      requireStorageId(storageId, "get");
      const document = await reading(execution, (tx) => stored.find(tx, storageId));
      return document === null ? null : await files.get(document._id);
    },
    async delete(storageId) {
      requireStorageId(storageId, "delete");
      await writing(execution, (tx) => stored.delete(tx, storageId));
    },
    async store(file, options) {
      requireArgument(file, 1, "store", "blob");
      const prepared = await stored.prepare(file, options?.sha256);
      return await writing(execution, (tx) => stored.insert(tx, prepared));
    },
  };
}

async function reading<T>(execution: Execution, read: (tx: QueryTransaction) => Promise<T>): Promise<T> {
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
  return await execution.write(operation);
}

function requireStorageId(storageId: unknown, method: string): void {
  requireArgument(storageId, 1, method, "storageId");
  if (typeof storageId === "string") return;
  throw new TrueupError("INVALID_CALL", `\`storage.${method}\` takes an id. Received: ${shown(storageId)}`);
}
