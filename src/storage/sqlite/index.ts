export { rebuildSqlite, type Rebuilt } from "./damage/rebuild.js";
export { sqlitePlace } from "./sqlite-place.js";
export { sqlite, type SqliteOptions } from "./sqlite-storage.js";
