/** The component on this engine, which runs it as it runs any other. */
import { aggregateContract } from "./aggregate-contract.js";
import { hostOnEngine } from "./hosts.js";
import { storageNames } from "../setup/open-app.js";

for (const storage of storageNames) {
  aggregateContract(`on this engine, ${storage}`, () => hostOnEngine(storage));
}
