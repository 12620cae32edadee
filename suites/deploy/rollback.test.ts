/** The way back leads over several steps of one deploy, to points in between, and through documents that lag. */
import { defineSchema, defineTable } from "convex/server";
import { v, type GenericValidator } from "convex/values";
import { describe, expect, test } from "vitest";
import type { Backend } from "trueup";
import { call, storageNames } from "../setup/open-app.js";
import { deploy, emptyApp, fieldsOf, migrations, settled, type Version } from "./teams-app.js";

type Doc = Readonly<Record<string, number | string>>;

function schema(fields: Record<string, GenericValidator>): Version["schema"] {
  return defineSchema({ items: defineTable(fields) });
}

async function items(app: Backend): Promise<object[]> {
  return fieldsOf(await call(app, "documents:all", { table: "items" }));
}

async function insert(app: Backend, ...documents: Doc[]): Promise<void> {
  for (const value of documents) await call(app, "documents:insert", { table: "items", value });
}

/** A price in euros; then in cents, as a text, under another name. */
const euros: Version = { schema: schema({ price: v.number() }) };
const toCents = migrations.define({
  table: "items",
  up: ({ price }: { price: number }) => ({ price: price * 100 }),
  down: ({ price }: { price: number }) => ({ price: price / 100 }),
});
const toText = migrations.define({
  table: "items",
  up: ({ price }: { price: number }) => ({ price: `${price} ct` }),
  down: ({ price }: { price: string }) => ({ price: Number.parseInt(price, 10) }),
});
const toCost = migrations.renameField({ table: "items", from: "price", to: "cost" });
const texts = { a: toCents, b: toText };
const asText: Version = { schema: schema({ price: v.string() }), migrations: texts };
const cost: Version = { schema: schema({ cost: v.string() }), migrations: { ...texts, c: toCost } };

describe.each(storageNames)("several steps of a table in one deploy, on %s", (storage) => {
  test.each([["while documents lag"], ["when all are written through"]])(
    "are all taken back %s",
    async (when) => {
      const app = await emptyApp(storage);
      await deploy(app, euros);
      await insert(app, { price: 1 }, { price: 2 });
      for (let times = 0; times < 2; times++) {
        await deploy(app, cost);
        if (when !== "while documents lag") await settled(app);
        expect((await items(app)).slice(0, 2)).toEqual([{ cost: "100 ct" }, { cost: "200 ct" }]);
        await insert(app, { cost: "300 ct" });
        await deploy(app, euros);
        expect((await items(app)).slice(0, 3)).toEqual([{ price: 1 }, { price: 2 }, { price: 3 }]);
      }
      await settled(app);
      expect(await items(app)).toEqual([{ price: 1 }, { price: 2 }, { price: 3 }, { price: 3 }]);
    },
  );
});

test("of several steps in one deploy the last ones alone are taken back, where the type in between is known", async () => {
  const app = await emptyApp("memory");
  await deploy(app, euros);
  await insert(app, { price: 1 });
  await deploy(app, cost);
  await insert(app, { cost: "200 ct" });
  await deploy(app, asText);
  expect(await items(app)).toEqual([{ price: "100 ct" }, { price: "200 ct" }]);
  // What was taken back counts as new, and nothing else does.
  await deploy(app, cost);
  expect(await items(app)).toEqual([{ cost: "100 ct" }, { cost: "200 ct" }]);
  await deploy(app, euros);
  expect(await items(app)).toEqual([{ price: 1 }, { price: 2 }]);
});

test("a rename that comes first tells the type behind it, too", async () => {
  const app = await emptyApp("memory");
  await deploy(app, euros);
  await insert(app, { price: 1 });
  const costText = migrations.define({
    table: "items",
    up: ({ cost: number }: { cost: number }) => ({ cost: `${number} ct` }),
    down: ({ cost: text }: { cost: string }) => ({ cost: Number.parseInt(text, 10) }),
  });
  const schemaOfBoth = schema({ cost: v.string() });
  await deploy(app, { schema: schemaOfBoth, migrations: { a: toCost, b: costText } });
  await insert(app, { cost: "2 ct" });
  await deploy(app, { schema: schema({ cost: v.number() }), migrations: { a: toCost } });
  expect(await items(app)).toEqual([{ cost: 1 }, { cost: 2 }]);
  await deploy(app, euros);
  expect(await items(app)).toEqual([{ price: 1 }, { price: 2 }]);
});

test("where it is not known the deploy is refused, and nothing has changed", async () => {
  const app = await emptyApp("memory");
  await deploy(app, euros);
  await insert(app, { price: 1 });
  await deploy(app, asText);
  const between = { schema: schema({ price: v.number() }), migrations: { a: toCents } };
  // It is also the type that was there before both: `a` stays, so `b` alone cannot lead there.
  await expect(deploy(app, between)).rejects.toMatchObject({
    code: "SCHEMA_NOT_SATISFIED",
    message: expect.stringContaining(
      "migrations:b, which it no longer exports, came in one deploy with others",
    ),
  });
  expect(await items(app)).toEqual([{ price: "100 ct" }]);
  await deploy(app, euros);
  expect(await items(app)).toEqual([{ price: 1 }]);
});

test("there and back and there again by other transforms is taken back to the nearest point of the type", async () => {
  const app = await emptyApp("memory");
  await deploy(app, euros);
  await insert(app, { price: 1 });
  const text = { schema: schema({ price: v.string() }), migrations: { a: toText } };
  await deploy(app, text);
  const numberAgain = migrations.define({
    table: "items",
    up: ({ price }: { price: string }) => ({ price: Number.parseInt(price, 10) + 10 }),
    down: ({ price }: { price: number }) => ({ price: `${price - 10} ct` }),
  });
  await deploy(app, { schema: euros.schema, migrations: { a: toText, b: numberAgain } });
  const c = migrations.define({
    table: "items",
    up: ({ price }: { price: number }) => ({ price: `${price} cents` }),
    down: ({ price }: { price: string }) => ({ price: Number.parseInt(price, 10) }),
  });
  await deploy(app, { schema: text.schema, migrations: { a: toText, b: numberAgain, c } });
  expect(await items(app)).toEqual([{ price: "11 cents" }]);
  await deploy(app, euros);
  expect(await items(app)).toEqual([{ price: 11 }]);
});

test("two deploys are taken back at once, over one that only widened the type, if its documents allow", async () => {
  const app = await emptyApp("memory");
  await deploy(app, euros);
  await insert(app, { price: 1 });
  const noted = schema({ price: v.string(), note: v.optional(v.string()) });
  await deploy(app, asText);
  await deploy(app, { schema: noted, migrations: texts });
  await insert(app, { price: "500 ct", note: "sale" });
  await settled(app);
  await expect(deploy(app, euros)).rejects.toMatchObject({
    code: "TRANSFORM_REHEARSAL_FAILED",
    message: expect.stringMatching(
      /The `down` of migrations:b is written for documents of the type that its `up` makes[^]*`note`/,
    ),
  });
  expect(await items(app)).toEqual([{ price: "100 ct" }, { price: "500 ct", note: "sale" }]);
  const [, { _id: id } = { _id: "" }] = (await call(app, "documents:all", { table: "items" })) as {
    _id: string;
  }[];
  await call(app, "documents:replace", { id, value: { price: "500 ct" } });
  await deploy(app, euros);
  expect(await items(app)).toEqual([{ price: 1 }, { price: 5 }]);
});

test("one step without `down` keeps all that came before it from being taken back", async () => {
  const app = await emptyApp("memory");
  await deploy(app, euros);
  await insert(app, { price: 1 });
  await deploy(app, {
    ...asText,
    migrations: {
      b: toText,
      a: migrations.define({ table: "items", up: (d: object) => d as { price: number } }),
    },
  });
  await expect(deploy(app, euros)).rejects.toMatchObject({
    code: "SCHEMA_NOT_SATISFIED",
    message: expect.stringContaining("The transform migrations:a, which was applied to it, has no `down`."),
  });
  expect(await items(app)).toEqual([{ price: "1 ct" }]);
});

test("the table of a transform is renamed by the next deploy, and the way back leads through both", async () => {
  const app = await emptyApp("memory");
  const goods = defineSchema({ goods: defineTable({ price: v.string() }) });
  const rename = migrations.renameTable({ from: "items", to: "goods" });
  await deploy(app, euros);
  await insert(app, { price: 1 });
  await deploy(app, asText);
  await deploy(app, { schema: goods, migrations: { ...texts, rename } });
  await call(app, "documents:insert", { table: "goods", value: { price: "200 ct" } });
  await deploy(app, euros);
  expect(await items(app)).toEqual([{ price: 1 }, { price: 2 }]);
});
