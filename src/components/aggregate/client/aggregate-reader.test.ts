import { expect, test } from "vitest";
import { DirectAggregate, TableAggregate } from "./index.js";

test("a class can be made where no component is mounted: it is looked for when somebody asks", async () => {
  const component = {} as never;
  const table = new TableAggregate(component, { sortKey: () => 1 });
  const managed = new TableAggregate(component, { table: "scores", sortKey: () => 1 });
  const direct = new DirectAggregate(component);
  for (const aggregate of [table, managed, direct]) {
    await expect(aggregate.count({} as never)).rejects.toThrow(TypeError);
  }
});
