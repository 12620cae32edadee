export { postgres, type PostgresOptions } from "./postgres-storage.js";
