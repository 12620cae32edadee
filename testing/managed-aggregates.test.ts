/** Managed aggregates as a plain Convex component on the official mock, and on this engine. */
import { hostOnEngine, hostOnMock } from "./aggregate/hosts.js";
import { managedContract } from "./aggregate/managed-contract.js";
import { managedHistoriesContract } from "./aggregate/managed-histories-contract.js";
import { managedRefusalsContract } from "./aggregate/managed-refusals-contract.js";
import { storageNames } from "./open-app.js";

managedContract("on the official mock", hostOnMock);
managedHistoriesContract("on the official mock", hostOnMock);
managedRefusalsContract("on the official mock", hostOnMock);
managedRefusalsContract("on this engine", () => hostOnEngine("memory"));
managedHistoriesContract("on this engine", () => hostOnEngine("memory"));
for (const storage of storageNames) {
  managedContract(`on this engine, ${storage}`, () => hostOnEngine(storage));
}
