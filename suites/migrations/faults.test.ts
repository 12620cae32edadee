import fc from "fast-check";
import { test } from "vitest";
import { Simulation, story } from "./life.js";

test("kills, failing documents and live writes leave what one undisturbed run would have", async () => {
  await fc.assert(
    fc.asyncProperty(story, (one) => new Simulation(one).run()),
    { numRuns: 30 },
  );
});
