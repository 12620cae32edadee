/** The component on this engine, which runs it as it runs any other. */
import { aggregateContract } from "./aggregate-contract.js";
import { hostOnEngine } from "./aggregate/hosts.js";
import { storageNames } from "./open-app.js";

for (const storage of storageNames) {
  aggregateContract(`on this engine, ${storage}`, () => hostOnEngine(storage));
}
