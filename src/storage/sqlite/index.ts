export { rebuildSqlite, type Rebuilt } from "./damage/rebuild.js";
export { sqlite, type SqliteOptions } from "./sqlite-storage.js";
