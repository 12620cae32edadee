/**
 * Tests the behaviour that aggregates have wherever the component runs: on the official mock, on this engine, in memory or
 * on a file. A suite calls this with something that opens a host.
 */
import { afterEach, describe, vi } from "vitest";
import { deltasContract } from "./deltas-contract.js";
import { historiesContract } from "./histories-contract.js";
import type { OpenHost } from "./hosts.js";
import { methodsContract } from "./methods-contract.js";
import { queueContract } from "./queue-contract.js";
import { statisticsContract } from "./statistics-contract.js";
import { tableContract } from "./table-contract.js";

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
