/** The generated types of our components' functions are up to date; `npm run build` writes them anew. */
import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";
import { componentApi } from "../../scripts/component-api.js";

test.each(["aggregate", "migrations"])(
  "the types of %s's functions are those of their validators",
  async (name) => {
    const path = new URL(`../../src/components/${name}/component/`, import.meta.url);
    const modules: Record<string, object> = {};
    for (const file of readdirSync(path).filter((each) => /^\w+\.ts$/.test(each))) {
      const module: object = await import(new URL(file, path).href);
      modules[basename(file, ".ts")] = module;
    }
    expect(Object.keys(modules).length).toBeGreaterThan(2);
    expect(readFileSync(new URL("_generated/component.ts", path), "utf8")).toBe(componentApi(modules));
  },
);
