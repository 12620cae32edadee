import { expect, test } from "vitest";
import type { AggregateProgress } from "../../backend/index.js";
import { announceBuilds } from "./dev.js";

test("a build is told of when it begins and ends; what is ready already is not", () => {
  const lines: string[] = [];
  let tell = (_progress: AggregateProgress): void => {};
  const output = { line: (text: string) => void lines.push(text) };
  const aggregates = {
    onProgress: (listener: (progress: AggregateProgress) => void) => {
      tell = listener;
      return () => {};
    },
  };
  announceBuilds(aggregates, output);
  const at = (state: AggregateProgress["state"], processed: number): AggregateProgress => ({
    name: "byScore",
    state,
    processed,
    total: 2000,
    ratePerSecond: 500,
    etaMs: 2000,
  });
  for (const progress of [at("ready", 0), at("building", 500), at("building", 600), at("ready", 2000)]) {
    tell(progress);
  }
  tell(at("ready", 2000));
  expect(lines).toEqual(["aggregate byScore building 500/2,000 500/s, 2s left", "aggregate byScore ready"]);
});
