export { rebuildSqlite, type Rebuilt } from "./rebuild.js";
export { sqlite, type SqliteOptions } from "./sqlite-storage.js";
