/**
 * Runs writers side by side, as Convex Cloud would: on one snapshot, committed one after another, aborted when what they
 * read was changed. Between the rounds the aggregate's totals are compared with those of what was committed.
 */
import publishedAggregate from "@convex-dev/aggregate/test";
import aggregateTest from "trueup/aggregate/test";
import { describe, expect, test } from "vitest";
import { SimulatedCloud } from "../../bench/contention/cloud.js";
import {
  contend,
  workloads,
  type ContendedAggregate,
  type Workload,
} from "../../bench/contention/contend.js";
import { ownLibrary, publishedLibrary } from "../../bench/contention/libraries.js";
import { aggregateComponent } from "./hosts.js";

const extent = { filled: 150, perWriter: 12 };

function contendOurs(aggregate: ContendedAggregate, workload: Workload) {
  return contend(new SimulatedCloud(aggregateTest), aggregate, workload, extent);
}

describe("8 concurrent writers", () => {
  test.each(workloads)("of deltas are never aborted, and every read is exact: %s", async (workload) => {
    const found = await contendOurs(ownLibrary({}, { deltas: true }), workload);
    expect(found).toMatchObject({ operations: 96, aborts: 0, refusedReads: 0, rounds: 12 });
    expect(found.jobs).toBeGreaterThan(0);
  });

  test("of deltas are none the worse when the component says so instead of the class", async () => {
    const found = await contendOurs(ownLibrary({}, { isSet: true }), "random");
    expect(found).toMatchObject({ operations: 96, aborts: 0, refusedReads: 0 });
  });

  test.each(workloads)(
    "of queued writes meet no more than at its beginning; reads wait: %s",
    async (workload) => {
      const found = await contendOurs(ownLibrary({}, { isQueued: true }), workload);
      expect(found.aborts).toBeLessThanOrEqual(8);
      expect(found.refusedReads).toBeGreaterThan(0);
    },
  );

  test("of a table whose managed aggregate takes deltas meet nobody either", async () => {
    const cloud = new SimulatedCloud(aggregateTest);
    const follow = (key: number) =>
      cloud.run((ctx) =>
        ctx.runMutation(aggregateComponent.managed.follow, {
          definition: "by score",
          operations: [{ type: "put", key, id: `${key}` }],
          begins: true,
          deltas: true,
        }),
      );
    expect(cloud.commit(await follow(0), cloud.snapshot)).toBe(true);
    for (let round = 0; round < 3; round++) {
      const { snapshot } = cloud;
      const attempts: Awaited<ReturnType<typeof follow>>[] = [];
      for (let writer = 1; writer <= 8; writer++) attempts.push(await follow(round * 8 + writer));
      expect(attempts.map((attempt) => cloud.commit(attempt, snapshot))).toEqual(Array(8).fill(true));
    }
  });

  test("that write directly meet: everywhere at the end, and in the root where it keeps sums", async () => {
    const append = await contendOurs(ownLibrary({}), "append");
    const eager = await contendOurs(ownLibrary({ rootLazy: false }), "random");
    const lazy = await contendOurs(ownLibrary({ rootLazy: true, maxNodeSize: 16 }), "random");
    expect(append.firstTryAborts).toBeGreaterThan(append.operations / 2);
    expect(eager.firstTryAborts).toBeGreaterThan(eager.operations / 2);
    expect(lazy.firstTryAborts).toBeLessThan(eager.firstTryAborts);
  });

  test("of the published component meet as the simulation says of ours", async () => {
    const published = await contend(
      new SimulatedCloud(publishedAggregate),
      publishedLibrary({ rootLazy: false }),
      "random",
      extent,
    );
    expect(published.firstTryAborts).toBeGreaterThan(published.operations / 2);
    expect(published.refusedReads).toBe(0);
  });
});
