export { sqlite, type SqliteOptions } from "./sqlite-storage.js";
