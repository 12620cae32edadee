/**
 * The package's main entry: opens a backend on a storage, runs functions on it, serves clients, and checks what it holds.
 * @module trueup
 */
export * from "../backend/index.js";
export { openBackend } from "./open-backend.js";
