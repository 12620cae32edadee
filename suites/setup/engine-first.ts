/**
 * Loads the engine before the first test of a process that many files share, while nothing has replaced its clocks: what modules
 * take from the globals when they are loaded, and what the guard of transforms wraps, is the platform's then.
 */
import "../../src/backend/index.js";
import { guardGlobals } from "../../src/database/transforms/guarded-globals.js";

guardGlobals();
