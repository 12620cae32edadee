export type { RunningServer, ServerOptions } from "../backend/index.js";
export { startServer } from "./start-server.js";
