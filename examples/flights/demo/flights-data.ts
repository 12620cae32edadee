/** The real flights: 200,000 and more rows of delay, distance and time of departure, from vega-datasets. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

export interface Flight {
  readonly delay: number;
  readonly distance: number;
  readonly time: number;
}

export function readFlights(): Flight[] {
  const require = createRequire(import.meta.url);
  const file = join(dirname(require.resolve("vega-datasets")), "..", "data", "flights-200k.json");
  const flights: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (!Array.isArray(flights) || flights.length === 0) throw new Error(`no flights in ${file}`);
  return flights;
}
