/**
 * Draws random changes of one table's schema, one deploy each: names of the table, transforms and migrations, several of each.
 * A deploy says what it declares and, for the model, which forms a document may have from then on. Documents have an identity `n`
 * and numbers or strings under names that come and go.
 */
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { migrations } from "./teams-app.js";

export type Fields = Readonly<Record<string, number | string>>;
type Change = (doc: Fields) => Fields;

/** The table as one version of the app has it. */
export interface Shape {
  readonly table: string;
  readonly types: Readonly<Record<string, "number" | "string">>;
  /** Fields with an index named `by_<field>`. */
  readonly indexed: readonly string[];
}

/** What a migration does to a document that it has not reached yet; it leaves the others alone. */
export type Migrate = Change;

/** One deploy. */
export interface Step {
  readonly name: string;
  readonly to: Shape;
  /** The exports of `migrations.ts` that it adds. */
  readonly declared: Readonly<Record<string, object>>;
  /** Its transforms take the place of migrations that are at work, which are exported no more. */
  readonly takesOver: boolean;
  /** What becomes of a document that every earlier migration has reached; null when no transform comes. */
  readonly up: Change | null;
  readonly migrations: readonly Migrate[];
  /** What becomes of a document when the deploy is taken back; null where the way back depends on the documents. */
  readonly back: Change | null;
  /** Identities of documents that its code fails on. */
  readonly broken: Set<number>;
}

type Random = (below: number) => number;

export const firstShape: Shape = { table: "items", types: { n: "number", a: "number" }, indexed: ["n", "a"] };
const tableNames = ["items", "goods", "things"];

export function schemaOf({ table, types, indexed }: Shape): ReturnType<typeof defineSchema> {
  const fields = Object.entries(types).map(([name, type]) => [
    name,
    type === "number" ? v.number() : v.string(),
  ]);
  let definition = defineTable(Object.fromEntries(fields));
  for (const field of indexed) definition = definition.index(`by_${field}`, [field]);
  return defineSchema({ [table]: definition });
}

/** A document that a live write makes in a shape, from its identity and some number. */
export function documentOf({ types }: Shape, n: number, number: number): Fields {
  const valueOf = (name: string, type: string): number | string => {
    if (name === "n") return n;
    return type === "number" ? number : String(number);
  };
  return Object.fromEntries(Object.entries(types).map(([name, type]) => [name, valueOf(name, type)]));
}

export interface StepInput {
  readonly from: Shape;
  /** Makes the names of this step unlike those of others. */
  readonly id: number;
  readonly random: Random;
  /** What all migrations at work do together. */
  readonly atWork: Migrate;
  /** Whether the step takes their place. */
  readonly isTakingOver: boolean;
}

/** A step that begins at a shape. */
export function randomStep(input: StepInput): Step {
  const making = new StepInTheMaking(input);
  const { random, isTakingOver } = input;
  if (random(4) === 0 && !isTakingOver) making.renameTable(1 + random(3));
  const transforms = isTakingOver ? 1 : random(3);
  for (let i = 0; i < transforms; i++) making.addTransform();
  const migrated = isTakingOver ? 0 : random(transforms === 0 ? 4 : 2);
  for (let i = 0; i < migrated; i++) making.addMigration();
  making.addIndex();
  return making.result();
}

interface Transform {
  readonly up: Change;
  readonly down: Change | null;
  /** Declared as a rename, whose `down` is not ours. */
  readonly rename: { readonly from: string; readonly to: string } | null;
}

class StepInTheMaking {
  readonly #input: StepInput;
  readonly #names: string[] = [];
  readonly #declared: Record<string, object> = {};
  readonly #transforms: Transform[] = [];
  readonly #migrations: Migrate[] = [];
  readonly #added: string[] = [];
  readonly #broken = new Set<number>();
  #removes = false;
  #shape: Shape;
  #fresh = 0;

  constructor(input: StepInput) {
    this.#input = input;
    this.#shape = input.from;
  }

  /** A chain of names, which may come back to where it began. */
  renameTable(links: number): void {
    for (let i = 0; i < links; i++) {
      const others = tableNames.filter((name) => name !== this.#shape.table);
      const to = this.#pick(others);
      const from = this.#shape.table;
      this.#declared[`r${this.#input.id}_${i}`] = migrations.renameTable({ from, to });
      this.#shape = { ...this.#shape, table: to };
      this.#names.push(`rename ${from} to ${to}`);
    }
  }

  addTransform(): void {
    const name = this.#field();
    const make = [() => this.#add()];
    if (name !== null) {
      make.push(
        () => this.#remove(name),
        () => this.#rename(name),
        () => this.#retype(name),
      );
    }
    this.#transforms.push(this.#pick(make)());
  }

  addMigration(): void {
    const { id, from, random, atWork } = this.#input;
    // What a migration at work brings would be brought again to documents that are written without it.
    const kept = new Set(["n", ...Object.keys(atWork({ n: 0 })), ...this.#added]);
    const removable = Object.keys(from.types).filter(
      (name) => this.#shape.types[name] !== undefined && !kept.has(name),
    );
    const name = random(3) === 0 && removable.length > 0 ? this.#pick(removable) : null;
    if (name !== null) {
      this.#removes = true;
      this.#waive(name);
      this.#without(name);
      this.#names.push(`remove ${name} by a migration`);
      this.#migrations.push((doc) => without(doc, name));
      return;
    }
    const added = this.#newField();
    this.#added.push(added);
    this.#shape = { ...this.#shape, types: { ...this.#shape.types, [added]: "number" } };
    this.#names.push(`add ${added} by a migration`);
    const value = (doc: Fields): number => Number(doc["n"]) * 2 + id;
    this.#migrations.push((doc) => (doc[added] === undefined ? { ...doc, [added]: value(doc) } : doc));
  }

  addIndex(): void {
    const name = this.#field();
    if (this.#input.random(3) !== 0 || name === null || this.#shape.indexed.includes(name)) return;
    this.#shape = { ...this.#shape, indexed: [...this.#shape.indexed, name] };
    this.#names.push(`index ${name}`);
  }

  result(): Step {
    const { id, isTakingOver } = this.#input;
    const last = this.#transforms.at(-1);
    for (const [at, transform] of this.#transforms.entries()) {
      this.#declared[`t${id}_${at}`] = this.#declareTransform(transform, at === 0, transform === last);
    }
    for (const [at, migrate] of this.#migrations.entries()) {
      this.#declared[`m${id}_${at}`] = this.#declareMigration(migrate);
    }
    const isBackByLuck =
      this.#removes ||
      this.#transforms.some(({ down }) => down === null) ||
      (this.#migrations.length > 0 && (last === undefined || last.rename !== null)) ||
      isTakingOver;
    const back = (doc: Fields): Fields =>
      this.#transforms.reduceRight((made, { down }) => down?.(made) ?? made, this.#unmigrated(doc));
    const up = (doc: Fields): Fields => this.#transforms.reduce((made, { up: one }) => one(made), doc);
    return {
      name: `${isTakingOver ? "take over: " : ""}${this.#names.join(", ") || "nothing"}`,
      to: this.#shape,
      declared: this.#declared,
      takesOver: isTakingOver,
      up: this.#transforms.length === 0 ? null : up,
      migrations: this.#migrations,
      back: isBackByLuck ? null : back,
      broken: this.#broken,
    };
  }

  #declareTransform({ up, down, rename }: Transform, isFirst: boolean, isLast: boolean): object {
    const { table } = this.#shape;
    const { isTakingOver, atWork } = this.#input;
    const takesUnmigrated = isFirst && isTakingOver;
    if (rename !== null && !takesUnmigrated) {
      return migrations.renameField({ table, ...rename });
    }
    const checked = (doc: Fields): Fields => {
      this.#refuseBroken(doc);
      return up(takesUnmigrated ? atWork(doc) : doc);
    };
    // What comes back is of the type that the whole deploy made.
    const whole = (doc: Fields): Fields => down?.(isLast ? this.#unmigrated(doc) : doc) ?? doc;
    return migrations.define({
      table,
      up: checked as never,
      ...(down === null ? {} : { down: whole as never }),
      takesUnmigrated,
    });
  }

  #declareMigration(migrate: Migrate): object {
    return migrations.define({
      table: this.#shape.table,
      runOnDeploy: true,
      batchSize: 3,
      migrateOne: async (ctx, { _id, _creationTime, ...doc }) => {
        const migrated = migrate(doc as Fields);
        if (migrated === doc || Object.keys(migrated).length === Object.keys(doc).length) return;
        this.#refuseBroken(doc as Fields);
        await ctx.db.replace(_id, { ...migrated });
      },
    });
  }

  #add(): Transform {
    const added = this.#newField();
    this.#shape = {
      ...this.#shape,
      types: { ...this.#shape.types, [added]: "number" },
      indexed: [...this.#shape.indexed, added],
    };
    this.#names.push(`add ${added}`);
    const up = (doc: Fields): Fields => ({ ...doc, [added]: Number(doc["n"]) % 7 });
    return { up, down: (doc) => without(doc, added), rename: null };
  }

  #remove(name: string): Transform {
    this.#waive(name);
    this.#without(name);
    this.#names.push(`remove ${name}`);
    return { up: (doc) => without(doc, name), down: null, rename: null };
  }

  #rename(name: string): Transform {
    const to = this.#newField();
    // It is a function like any other where it takes over, and asks for the waiver.
    if (this.#input.isTakingOver) this.#waive(name);
    const { [name]: type = "number", ...others } = this.#shape.types;
    const indexed = this.#shape.indexed.map((other) => (other === name ? to : other));
    this.#shape = { ...this.#shape, types: { ...others, [to]: type }, indexed };
    this.#names.push(`rename ${name} to ${to}`);
    const up = (doc: Fields): Fields => ({ ...without(doc, name), [to]: doc[name] ?? 0 });
    const down = (doc: Fields): Fields => ({ ...without(doc, to), [name]: doc[to] ?? 0 });
    return { up, down, rename: { from: name, to } };
  }

  #retype(name: string): Transform {
    const isNumber = this.#shape.types[name] === "number";
    const convert = (doc: Fields, toString: boolean): Fields => ({
      ...doc,
      [name]: toString ? String(doc[name]) : Number(doc[name]),
    });
    const types = { ...this.#shape.types, [name]: isNumber ? ("string" as const) : ("number" as const) };
    this.#shape = { ...this.#shape, types };
    this.#names.push(`change the type of ${name}`);
    return { up: (doc) => convert(doc, isNumber), down: (doc) => convert(doc, !isNumber), rename: null };
  }

  #unmigrated(doc: Fields): Fields {
    return this.#added.reduce(without, doc);
  }

  /** A field that a change may be of. */
  #field(): string | null {
    const own = Object.keys(this.#shape.types).filter((name) => name !== "n");
    return own.length === 0 ? null : this.#pick(own);
  }

  #newField(): string {
    return `f${this.#input.id}_${this.#fresh++}`;
  }

  #without(name: string): void {
    const { [name]: _removed, ...types } = this.#shape.types;
    const indexed = this.#shape.indexed.filter((other) => other !== name);
    this.#shape = { ...this.#shape, types, indexed };
  }

  #waive(name: string): void {
    // By whatever name the schema in force knows it.
    const names = new Set([...Object.keys(this.#input.from.types), name]);
    const waivers = [...names].map((each) => `drop-field:${this.#shape.table}.${each}` as const);
    this.#declared[`w${this.#input.id}_${name}`] = migrations.waive(...waivers);
  }

  #refuseBroken(doc: Fields): void {
    if (this.#broken.has(Number(doc["n"]))) throw new Error(`document ${doc["n"]} is broken`);
  }

  #pick<T>(from: readonly T[]): T {
    const picked = from[this.#input.random(from.length)];
    if (picked === undefined) throw new Error("nothing to pick from");
    return picked;
  }
}

function without(doc: Fields, name: string): Fields {
  const { [name]: _removed, ...others } = doc;
  return others;
}
