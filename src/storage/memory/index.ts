export { memory, type MemoryOptions } from "./memory-storage.js";
export {
  sharedMemory,
  type SharedMemory,
  type SharedMemoryOptions,
  type SharedStep,
} from "./shared-memory.js";
