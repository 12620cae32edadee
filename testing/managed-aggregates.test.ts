/** Managed aggregates as a plain Convex component on the official mock, and on this engine. */
import { afterEach, describe, vi } from "vitest";
import { hostOnEngine, hostOnMock } from "./aggregate/hosts.js";
import { managedContract } from "./aggregate/managed-contract.js";
import { storageNames } from "./open-app.js";

afterEach(() => {
  vi.useRealTimers();
});

describe("aggregates on the official mock", () => managedContract(hostOnMock));
for (const storage of storageNames) {
  describe(`aggregates on this engine, ${storage}`, () => managedContract(() => hostOnEngine(storage)));
}
