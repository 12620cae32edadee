export { parseAddress } from "./address.js";
export { postgresPlace } from "./postgres-place.js";
export { postgres, type PostgresOptions } from "./postgres-storage.js";
