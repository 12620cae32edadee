/** Opens a backend that can listen. The server is loaded when it first does, so whoever only calls functions never loads it. */
import { openBackend as open, type Backend, type OpenBackendOptions } from "../backend/index.js";

/**
 * Opens a backend on a storage, and puts in place the program of `modules` or, without them, the code that was pushed last.
 * Where there is neither, or the pushed code is damaged, which the log says, it opens too: calls then throw MODULES_MISSING
 * until a program is activated. O(tables + indexes) where the schemas are those in force, else as `backend.activate()`.
 * @throws INVALID_OPTIONS, STORAGE_LOCKED, STORAGE_UNAVAILABLE, STORAGE_CORRUPT, and what `backend.activate()` throws; the
 *   storage is closed again then
 */
export async function openBackend(options: OpenBackendOptions): Promise<Backend> {
  return await open(options, async (backend, listening) => {
    const { startServer } = await import("../server/index.js");
    return await startServer(backend, listening);
  });
}
