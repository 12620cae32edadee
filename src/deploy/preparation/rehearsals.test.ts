import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { expect, test } from "vitest";
import { Database, type TransformDefinition } from "../../database/index.js";
import { parseSchema } from "../../schema/index.js";
import { memory } from "../../storage/memory/index.js";
import { PreparationOutdated } from "../activation.js";
import { Rehearsals } from "./rehearsals.js";
import type { TableSteps } from "./rehearse-steps.js";
import { TouchedDocuments } from "./touched-documents.js";

const schema = parseSchema(defineSchema({ items: defineTable({ n: v.number(), k: v.number() }) }));
const transform: TransformDefinition = { name: "m:t", origin: "up", hasDown: true };

/** A table whose documents lag behind a transform, and what a way back would rehearse. */
async function lagging(isPending: boolean): Promise<{ database: Database; back: TableSteps }> {
  const database = await Database.open(await memory()());
  database.setTransforms(() => (document) => ({ ...document }));
  await database.background.stop();
  const { value: shape } = await database.mutate(async (tx) => {
    await tx.component("").insert("items", { n: 1 });
    const begun = tx.beginTransform("", "items", transform);
    const pending = { migrations: ["m:addK"], tables: ["items"] };
    await tx.applySchema("", schema, isPending ? { pending } : {});
    return begun;
  });
  const definition = { ...transform, origin: "down", undoes: shape };
  const step = { table: "items", definition, run: (doc: object) => ({ ...doc }), takes: null, record: null };
  const names = { storedAs: "items", newName: "items", newNames: new Map<string, string>() };
  return { database, back: { componentPath: "", ...names, table: null, steps: [step] } };
}

test.each([[true], [false]])(
  "documents that are written through after the rehearsal of a way back have it rehearsed again, while the schema is pending: %s",
  async (isPending) => {
    const { database, back } = await lagging(isPending);
    const rehearsals = await Rehearsals.begin(database, [{ rehearsals: [back] }], []);
    const touched = new TouchedDocuments(database, []);
    await database.mutate((tx) => rehearsals.note(tx, touched));
    const later = await Database.open(database.storage);
    later.setTransforms(() => (document) => ({ ...document }));
    await later.background.whenIdle();
    const noted = later.mutate((tx) => rehearsals.note(tx, touched));
    if (isPending) await expect(noted).rejects.toThrow(PreparationOutdated);
    else await noted;
    touched.stop();
  },
);
