/**
 * The modules of a test that names none: those of the folder `convex` beside `node_modules`. Vite finds them
 * when it transforms this file, which it does where its configuration has `trueup` among `server.deps.inline`.
 */
import type { ModuleGlob } from "./test-backend.js";

interface ViteMeta {
  glob(pattern: string): ModuleGlob;
}

/** None when this file was not transformed by Vite. */
export function defaultModules(): ModuleGlob {
  try {
    return (import.meta as ImportMeta & ViteMeta).glob("../../../../convex/**/*.*s");
  } catch {
    return {};
  }
}
