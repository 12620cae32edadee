export type { FileStore } from "./file-store.js";
export { metadataOf, StoredFiles, type FileMetadata } from "./stored-files.js";
