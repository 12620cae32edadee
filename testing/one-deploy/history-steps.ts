/**
 * Random changes of one table's schema, each in a deploy of its own: what the deploy declares, and what becomes of a
 * document, for the model. Documents have an identity `n` and numbers or strings under names that come and go.
 */
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { migrations } from "./teams-app.js";

export type Fields = Readonly<Record<string, number | string>>;

/** The table as one version of the app has it. */
export interface Shape {
  readonly table: string;
  readonly types: Readonly<Record<string, "number" | "string">>;
  /** Fields with an index named `by_<field>`. */
  readonly indexed: readonly string[];
}

/** One deploy. */
export interface Step {
  readonly name: string;
  readonly to: Shape;
  /** The exports of `migrations.ts`. */
  readonly declared: object;
  /** What becomes of a document that was there. */
  readonly up: (doc: Fields) => Fields;
  /** What becomes of one when the deploy is taken back; null where it cannot be. */
  readonly down: ((doc: Fields) => Fields) | null;
}

/** Documents, by `n`, that user code fails on until they are taken out. */
export type Broken = Set<number>;

type Random = (below: number) => number;

export const firstShape: Shape = { table: "items", types: { n: "number", a: "number" }, indexed: ["n", "a"] };

export function schemaOf({ table, types, indexed }: Shape): ReturnType<typeof defineSchema> {
  const fields = Object.entries(types).map(([name, type]) => [
    name,
    type === "number" ? v.number() : v.string(),
  ]);
  let definition = defineTable(Object.fromEntries(fields));
  for (const field of indexed) definition = definition.index(`by_${field}`, [field]);
  return defineSchema({ [table]: definition });
}

/** A document of a shape that a live write makes, of its identity and some number. */
export function documentOf({ types }: Shape, n: number, number: number): Fields {
  const valueOf = (name: string, type: string): number | string => {
    if (name === "n") return n;
    return type === "number" ? number : String(number);
  };
  return Object.fromEntries(Object.entries(types).map(([name, type]) => [name, valueOf(name, type)]));
}

/** A step that begins at a shape. @param id Makes the names of this step unlike those of others. */
export function randomStep(from: Shape, id: number, random: Random, broken: Broken): Step {
  const ownFields = Object.keys(from.types).filter((name) => name !== "n");
  const field = ownFields[random(ownFields.length)];
  const added = `f${id}`;
  const make = [add, addByMigration, () => addIndex(field), renameTable];
  if (field !== undefined) {
    make.push(
      () => remove(field),
      () => removeByMigration(field),
      () => rename(field),
      () => changeType(field),
    );
  }
  return (make[random(make.length)] ?? add)();

  function add(): Step {
    const up = (doc: Fields): Fields => ({ ...doc, [added]: Number(doc["n"]) % 7 });
    const down = (doc: Fields): Fields => without(doc, added);
    return transform(`add ${added}`, typed({ ...from.types, [added]: "number" }, [added]), up, down);
  }

  function addByMigration(): Step {
    const up = (doc: Fields): Fields => ({ ...doc, [added]: Number(doc["n"]) * 2 });
    const to = typed({ ...from.types, [added]: "number" }, []);
    return migration(`add ${added} by a migration`, to, up, (doc) => doc[added] !== undefined);
  }

  function addIndex(name: string | undefined): Step {
    const indexed =
      name === undefined || from.indexed.includes(name) ? from.indexed : [...from.indexed, name];
    const same = (doc: Fields): Fields => doc;
    return { name: `index ${name}`, to: { ...from, indexed }, declared: {}, up: same, down: same };
  }

  function renameTable(): Step {
    const to = { ...from, table: `items${id}` };
    const same = (doc: Fields): Fields => doc;
    const declared = { [`table${id}`]: migrations.renameTable({ from: from.table, to: to.table }) };
    return { name: `rename the table to ${to.table}`, to, declared, up: same, down: null };
  }

  function remove(name: string): Step {
    const step = transform(`remove ${name}`, lacking(name), (doc) => without(doc, name), null);
    return { ...step, declared: { ...step.declared, ...waived(name) } };
  }

  function removeByMigration(name: string): Step {
    const up = (doc: Fields): Fields => without(doc, name);
    const step = migration(
      `remove ${name} by a migration`,
      lacking(name),
      up,
      (doc) => doc[name] === undefined,
    );
    return { ...step, declared: { ...step.declared, ...waived(name) } };
  }

  function rename(name: string): Step {
    const { [name]: type = "number", ...others } = from.types;
    const indexed = from.indexed.map((other) => (other === name ? added : other));
    const to = { ...from, types: { ...others, [added]: type }, indexed };
    const up = (doc: Fields): Fields => ({ ...without(doc, name), [added]: doc[name] ?? 0 });
    const down = (doc: Fields): Fields => ({ ...without(doc, added), [name]: doc[added] ?? 0 });
    const declared = { [`t${id}`]: migrations.renameField({ table: from.table, from: name, to: added }) };
    return { name: `rename ${name} to ${added}`, to, declared, up, down };
  }

  function changeType(name: string): Step {
    const isNumber = from.types[name] === "number";
    const convert = (doc: Fields, toString: boolean): Fields => ({
      ...doc,
      [name]: toString ? String(doc[name]) : Number(doc[name]),
    });
    return transform(
      `change the type of ${name}`,
      typed({ ...from.types, [name]: isNumber ? "string" : "number" }, []),
      (doc) => convert(doc, isNumber),
      (doc) => convert(doc, !isNumber),
    );
  }

  function typed(types: Shape["types"], indexed: string[]): Shape {
    return { ...from, types, indexed: [...from.indexed, ...indexed] };
  }

  function lacking(name: string): Shape {
    const { [name]: _removed, ...types } = from.types;
    return { ...from, types, indexed: from.indexed.filter((other) => other !== name) };
  }

  function waived(name: string): object {
    return { [`waived${id}`]: migrations.waive(`drop-field:${from.table}.${name}`) };
  }

  function transform(name: string, to: Shape, up: Step["up"], down: Step["down"]): Step {
    const checked = (doc: Fields): Fields => {
      refuseBroken(doc);
      return up(doc);
    };
    const declared = migrations.define({
      table: to.table,
      up: checked as never,
      ...(down === null ? {} : { down: down as never }),
    });
    return { name, to, declared: { [`t${id}`]: declared }, up, down };
  }

  function migration(name: string, to: Shape, up: Step["up"], isDone: (doc: Fields) => boolean): Step {
    const declared = migrations.define({
      table: to.table,
      runOnDeploy: true,
      migrateOne: async (ctx, { _id, _creationTime, ...doc }) => {
        if (isDone(doc as Fields)) return;
        refuseBroken(doc as Fields);
        await ctx.db.replace(_id, up(doc as Fields));
      },
    });
    return { name, to, declared: { [`m${id}`]: declared }, up, down: null };
  }

  function refuseBroken(doc: Fields): void {
    if (broken.has(Number(doc["n"]))) throw new Error(`document ${doc["n"]} is broken`);
  }
}

function without(doc: Fields, name: string): Fields {
  const { [name]: _removed, ...others } = doc;
  return others;
}
