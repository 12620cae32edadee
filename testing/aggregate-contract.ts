/**
 * The behaviour of aggregates, which every way of running the component has: on the official mock, on this engine, in
 * memory or on a file. A suite calls this with something that opens a host.
 */
import { afterEach, describe, vi } from "vitest";
import { deltasContract } from "./aggregate/deltas-contract.js";
import { historiesContract } from "./aggregate/histories-contract.js";
import type { OpenHost } from "./aggregate/hosts.js";
import { methodsContract } from "./aggregate/methods-contract.js";
import { queueContract } from "./aggregate/queue-contract.js";
import { statisticsContract } from "./aggregate/statistics-contract.js";
import { tableContract } from "./aggregate/table-contract.js";

/** Declares the tests. Hosts fake the time, so that what is scheduled can be run to its end. */
export function aggregateContract(name: string, open: OpenHost): void {
  describe(`aggregates ${name}`, () => {
    afterEach(() => {
      vi.useRealTimers();
    });
    historiesContract(open);
    methodsContract(open);
    statisticsContract(open);
    tableContract(open);
    queueContract(open);
    deltasContract(open);
  });
}
