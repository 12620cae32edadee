export { memory, type MemoryOptions } from "./memory-storage.js";
