import { afterEach, expect, test, vi } from "vitest";
import { StepBudget } from "./step_budget.js";

afterEach(() => {
  vi.restoreAllMocks();
});

type Ctx = Parameters<typeof StepBudget.begin>[0];

/** A budget whose clock and meters the test moves. */
async function budgetOf() {
  const meter = { nowMs: 1000, documents: 1000, bytes: 1000 };
  vi.spyOn(Date, "now").mockImplementation(() => meter.nowMs);
  const ctx = {
    meta: {
      getTransactionMetrics: async () => ({
        documentsRead: { used: 0, remaining: meter.documents },
        bytesWritten: { used: 0, remaining: meter.bytes },
      }),
    },
  } as unknown as Ctx;
  return { budget: await StepBudget.begin(ctx), meter };
}

test("a step lasts fifty milliseconds", async () => {
  const { budget, meter } = await budgetOf();
  meter.nowMs = 1049;
  expect(await budget.isSpent(1)).toBe(false);
  meter.nowMs = 1050;
  expect(await budget.isSpent(0)).toBe(true);
});

test("where the clock stands still it lasts 4,000 units of work, which add up", async () => {
  const { budget, meter } = await budgetOf();
  expect(await budget.isSpent(3000)).toBe(false);
  expect(await budget.isSpent(999)).toBe(false);
  expect(await budget.isSpent(1)).toBe(true);
  // As long as the clock moves, units do not count.
  meter.nowMs = 1001;
  expect(await budget.isSpent(10_000)).toBe(false);
});

test.each(["documents", "bytes"] as const)("it uses half of what was left of %s", async (metric) => {
  const { budget, meter } = await budgetOf();
  meter[metric] = 500;
  expect(await budget.isSpent(1)).toBe(false);
  meter[metric] = 499;
  expect(await budget.isSpent(1)).toBe(true);
});
