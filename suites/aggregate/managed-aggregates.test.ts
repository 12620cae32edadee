/** Managed aggregates as a plain Convex component on the official mock, and on this engine. */
import { hostOnEngine, hostOnMock } from "./hosts.js";
import { managedContract } from "./managed-contract.js";
import { managedHistoriesContract } from "./managed-histories-contract.js";
import { managedRefusalsContract } from "./managed-refusals-contract.js";
import { storageNames } from "../setup/open-app.js";

managedContract("on the official mock", hostOnMock);
managedHistoriesContract("on the official mock", hostOnMock);
managedRefusalsContract("on the official mock", hostOnMock);
managedRefusalsContract("on this engine", () => hostOnEngine("memory"));
managedHistoriesContract("on this engine", () => hostOnEngine("memory"));
for (const storage of storageNames) {
  managedContract(`on this engine, ${storage}`, () => hostOnEngine(storage));
}
