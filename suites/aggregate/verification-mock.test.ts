/** Checks aggregates on the official mock: what holds on every host, and the nodes that a check reads. */
import { expect, test, vi } from "vitest";
import {
  advanceRun,
  readReport,
  startVerify,
} from "../../src/components/aggregate/client/verification/index.js";
import { DocumentNodes } from "../../src/components/aggregate/component/nodes/documents.js";
import { checkedHostOnMock, component, source } from "./checked-host.js";
import { fillScores } from "./checked-scores.js";
import { verificationContract } from "./verification-contract.js";
import { verificationRunsContract } from "./verification-runs-contract.js";

verificationContract("on the official mock", checkedHostOnMock);
verificationRunsContract("on the official mock", checkedHostOnMock);

test("a healthy check reads each node about once, and none for its documents", async () => {
  const host = await checkedHostOnMock();
  await fillScores(host, [900, 500], { maxNodeSize: 16, rootLazy: false });
  const { nodes } = await host.inside(async (ctx) => ({
    nodes: (await ctx.db.query("nodes").collect()).length,
  }));
  const reads: Record<string, number> = {};
  let phase = "";
  const load = vi.spyOn(DocumentNodes.prototype, "load");
  // However busy the machine is, a phase is one step: another one would read the path that it goes on at again.
  vi.spyOn(Date, "now").mockReturnValue(Date.now());
  const runId = await host.run((ctx) => startVerify(ctx, { component }, {}));
  for (let due = true; due;) {
    phase = (await host.run((ctx) => readReport(ctx, { component }, runId)))?.phase ?? "";
    load.mockClear();
    ({ due } = await host.run((ctx) => advanceRun(ctx, source, { runId })));
    const count = load.mock.calls.reduce((sum, [refs]) => sum + refs.length, 0);
    if (count > 0) reads[phase] = (reads[phase] ?? 0) + count;
  }
  expect(Object.keys(reads)).toEqual(["structure", "compare"]);
  expect(reads["structure"]).toBeLessThanOrEqual(nodes);
  expect(reads["compare"]).toBeLessThanOrEqual(nodes);
  expect(await host.run((ctx) => readReport(ctx, { component }, runId))).toMatchObject({
    checked: 2800,
    differences: [],
  });
});
