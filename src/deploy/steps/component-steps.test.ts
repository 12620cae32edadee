/** What a deploy does to the transforms of a component, told from its declarations, its history and two schemas. */
import { expect, test } from "vitest";
import type { DeclaredTransform } from "../../seams/index.js";
import type { SchemaJson, ValidatorJson } from "../../schema/index.js";
import { componentSteps, type ComponentSteps } from "./component-steps.js";
import type { AppliedTransform } from "./step-history.js";
import type { DeclaringCode, StepsInput } from "./steps-input.js";
import { fingerprintOf, originText, pushIdOf } from "./transform-functions.js";

const object = (...names: readonly string[]): ValidatorJson => ({
  type: "object",
  value: Object.fromEntries(names.map((name) => [name, { fieldType: { type: "number" }, optional: false }])),
});

function schema(tables: Readonly<Record<string, ValidatorJson>>, schemaValidation = true): SchemaJson {
  return {
    schemaValidation,
    tables: Object.entries(tables).map(([tableName, documentType]) => ({
      tableName,
      documentType,
      indexes: [],
    })),
  } as unknown as SchemaJson;
}

function transform(table: string, more: Partial<DeclaredTransform> = {}): DeclaredTransform {
  return { kind: "transform", table, up: (document) => ({ ...document }), requires: [], ...more };
}

const origin = { kind: "push", pushId: "p1" } as const;

function code(transforms: Readonly<Record<string, DeclaredTransform>>): DeclaringCode {
  const named = Object.entries(transforms).map(([name, declared]) => ({ name, declared }));
  return { declarations: { transforms: named, tableRenames: [] }, origin };
}

function applied(
  name: string,
  declared: DeclaredTransform,
  more: Partial<AppliedTransform> = {},
): AppliedTransform {
  return {
    kind: "transform",
    componentPath: "",
    name,
    appliedAtMs: 1,
    table: declared.table,
    fingerprint: fingerprintOf(declared),
    hasDown: declared.down !== undefined,
    shape: 1,
    before: object("a"),
    after: object("b"),
    ...more,
  };
}

function stepsOf(input: Partial<StepsInput>): ComponentSteps {
  return componentSteps({
    componentPath: "",
    next: code({}),
    running: null,
    history: [],
    before: schema({ t: object("a"), u: object("a") }),
    isPending: false,
    after: schema({ t: object("b"), u: object("a") }),
    documents: new Map([
      ["t", 3],
      ["u", 3],
    ]),
    ...input,
  });
}

const namesOf = ({ transforms }: ComponentSteps): string[] =>
  transforms.map(({ definition: { name } }) => name);
const down: DeclaredTransform["down"] = (document) => ({ ...document });

test("a new transform begins, and what it is recorded with says all that its way back needs", () => {
  const declared = transform("t", { down });
  const steps = stepsOf({ next: code({ "m:one": declared }) });
  expect(steps).toMatchObject({ history: [], renames: [], undone: new Set(), irreversible: new Map() });
  expect(steps.transforms).toMatchObject([
    {
      table: "t",
      run: declared.up,
      takes: null,
      definition: { name: "m:one", hasDown: true, origin: `push:p1#up` },
      record: {
        kind: "transform",
        componentPath: "",
        name: "m:one",
        table: "t",
        fingerprint: fingerprintOf(declared),
        hasDown: true,
        before: object("a"),
        after: object("b"),
      },
    },
  ]);
  const [noDown] = stepsOf({ next: code({ "m:one": transform("t") }) }).transforms;
  expect(noDown).toMatchObject({ definition: { hasDown: false }, record: { hasDown: false } });
});

test("one that was applied does not begin again, nor where it moved to another module as it was", () => {
  const declared = transform("t");
  const history = [applied("m:one", declared)];
  const same = stepsOf({ history, next: code({ "m:one": transform("t", { down }) }) });
  expect([namesOf(same), same.history]).toEqual([[], history]);
  const moved = stepsOf({ history, next: code({ "other:one": declared }) });
  expect([namesOf(moved), moved.history]).toEqual([[], [{ ...history[0], name: "other:one" }]]);
});

test("one that moved and reads otherwise is refused; of another table, or by another name, it is new", () => {
  const history = [applied("m:one", transform("t"), { before: null })];
  const changed = { up: () => ({}) };
  expect(() => stepsOf({ history, next: code({ "other:one": transform("t", changed) }) })).toThrow(
    expect.objectContaining({
      code: "TRANSFORM_INVALID",
      details: { name: "other:one", applied: "m:one" },
    }),
  );
  expect(namesOf(stepsOf({ history, next: code({ "other:one": transform("u", changed) }) }))).toEqual([
    "other:one",
  ]);
  expect(namesOf(stepsOf({ history, next: code({ "other:two": transform("t", changed) }) }))).toEqual([
    "other:two",
  ]);
  // Where the applied one is still exported, it has not moved.
  const both = code({ "m:one": transform("t"), "other:one": transform("t", changed) });
  expect(namesOf(stepsOf({ history, next: both }))).toEqual(["other:one"]);
});

test("of a table without documents it counts as applied; of one that is not there it waits; of an unknown one it is refused", () => {
  const next = code({ "m:one": transform("t") });
  const empty = stepsOf({ next, documents: new Map([["t", 0]]) });
  expect(namesOf(empty)).toEqual([]);
  expect(empty.history).toMatchObject([{ name: "m:one", shape: null, appliedAtMs: 0 }]);
  expect(stepsOf({ next, documents: new Map() }).history).toMatchObject([{ name: "m:one" }]);
  const gone = { next, after: schema({ u: object("a") }) };
  expect(stepsOf({ ...gone, documents: new Map([["t", 0]]) }).history).toEqual([]);
  expect(() => stepsOf(gone)).toThrow(
    expect.objectContaining({ code: "TRANSFORM_INVALID", details: { name: "m:one", table: "t" } }),
  );
  expect(namesOf(stepsOf({ ...gone, after: schema({ u: object("a") }, false) }))).toEqual(["m:one"]);
  expect(namesOf(stepsOf({ ...gone, after: null }))).toEqual(["m:one"]);
  expect(stepsOf({ next, after: null, documents: new Map([["t", 0]]) }).history).toHaveLength(1);
  expect(stepsOf({ next, after: null, documents: new Map() }).history).toEqual([]);
});

test("while the schema is pending the first transform of each table takes its documents alone, unless it says otherwise", () => {
  const declared = {
    "m:a": transform("t"),
    "m:b": transform("t"),
    "m:c": transform("u", { takesUnmigrated: true }),
  };
  const pending = stepsOf({ isPending: true, next: code(declared) });
  const [first, second, third] = pending.transforms;
  expect(first?.takes?.type).toEqual(object("a"));
  expect(first?.takes?.otherwise).toMatch(
    /pending.*for whose documents m:a is written.*takesUnmigrated: true/,
  );
  expect([second?.takes, third?.takes]).toEqual([null, null]);
  for (const { takes } of stepsOf({ next: code(declared) }).transforms) expect(takes).toBeNull();
});

test("between transforms of one deploy the type is known where fields are only renamed", () => {
  const rename = (from: string, to: string) => ({ rename: { from, to } });
  const next = code({ "m:a": transform("t", rename("a", "x")), "m:b": transform("t", rename("x", "b")) });
  const steps = stepsOf({ next });
  expect(steps.transforms.map(({ record }) => [record?.before, record?.after])).toEqual([
    [object("a"), object("x")],
    [object("x"), object("b")],
  ]);
  expect(steps.declaredRenames).toEqual({ tables: {}, fields: { t: { a: "b" } } });
  const backwards = stepsOf({
    next: code({ "m:a": transform("t"), "m:b": transform("t", rename("x", "b")) }),
  });
  expect(backwards.transforms[0]?.record?.after).toEqual(object("x"));
  const unknown = stepsOf({ next: code({ "m:a": transform("t"), "m:b": transform("t") }) });
  expect(unknown.transforms.map(({ record }) => [record?.before, record?.after])).toEqual([
    [object("a"), null],
    [null, object("b")],
  ]);
});

test("each table has renames and types of its own", () => {
  const next = code({
    "m:a": transform("t", { rename: { from: "a", to: "b" } }),
    "m:b": transform("u", { rename: { from: "a", to: "c" } }),
  });
  const steps = stepsOf({ next, after: schema({ t: object("b"), u: object("c") }) });
  expect(steps.declaredRenames.fields).toEqual({ t: { a: "b" }, u: { a: "c" } });
  expect(steps.transforms.map(({ record }) => record?.after)).toEqual([object("b"), object("c")]);
});

const one = transform("t", { down });
const two = transform("t", { down: (document) => ({ ...document, two: 2 }) });
const wayBack = {
  running: code({ "m:one": one, "m:two": two }),
  before: schema({ t: object("c"), u: object("a") }),
  after: schema({ t: object("a"), u: object("a") }),
};
const history = [
  applied("m:one", one, { before: object("a"), after: object("b"), shape: 1 }),
  applied("m:two", two, { before: object("b"), after: object("c"), shape: 2 }),
];

test("a type that the table had before takes back what came since, the last first", () => {
  const steps = stepsOf({ ...wayBack, history });
  expect(steps.transforms).toMatchObject([
    {
      table: "t",
      run: two.down,
      record: null,
      definition: { name: "m:two", undoes: 2, origin: "push:p1#down" },
    },
    { table: "t", run: one.down, record: null, definition: { name: "m:one", undoes: 1, hasDown: true } },
  ]);
  expect(steps.transforms.map(({ takes }) => takes?.type)).toEqual([object("c"), object("b")]);
  expect(steps.transforms[0]?.takes?.otherwise).toMatch(/`down` of m:two is written for/);
  expect([steps.undone, steps.history]).toEqual([new Set(["t"]), []]);
  const half = stepsOf({ ...wayBack, history, after: schema({ t: object("b"), u: object("a") }) });
  expect([namesOf(half), half.history]).toEqual([["m:two"], [history[0]]]);
});

test("nothing is taken back that is exported, behind what is, or where the type stays or is another", () => {
  const exported = stepsOf({ ...wayBack, history, next: code({ "m:two": two }) });
  expect([namesOf(exported), exported.history]).toEqual([[], history]);
  const behind = stepsOf({ ...wayBack, history, next: code({ "m:one": one }) });
  expect(namesOf(behind)).toEqual([]);
  for (const t of [object("c"), object("d")]) {
    const steps = stepsOf({ ...wayBack, history, after: schema({ t, u: object("a") }) });
    expect([namesOf(steps), steps.history, steps.irreversible]).toEqual([[], history, new Map()]);
  }
  const unchecked = { ...wayBack, history, after: schema({ t: object("a") }, false) };
  expect(namesOf(stepsOf(unchecked))).toEqual([]);
  expect(namesOf(stepsOf({ ...wayBack, history, before: schema({ t: object("c") }, false) }))).toEqual([]);
});

test("a deploy with a transform of its own takes nothing of its table back", () => {
  const steps = stepsOf({ ...wayBack, history, next: code({ "m:back": transform("t") }) });
  expect([namesOf(steps), steps.undone]).toEqual([["m:back"], new Set()]);
});

test("what cannot be taken back is told by table, and stays in the history", () => {
  const withoutDown = [{ ...history[0], hasDown: false } as AppliedTransform, ...history.slice(1)];
  for (const [given, reason] of [
    [{ history: withoutDown }, "m:one, which was applied to it, has no `down`"],
    [{ history, running: null }, "m:one, which was applied to it, is not in the code that runs now"],
    [{ history, running: code({ "m:two": two }) }, "m:one, which was applied to it, is not in the code"],
    [
      { history, running: code({ "m:one": transform("t"), "m:two": two }) },
      "m:one, which was applied to it, is not in the code that runs now, nor is its `down`",
    ],
  ] as const) {
    const steps = stepsOf({ ...wayBack, ...given });
    expect(steps.irreversible.get("t")).toContain(reason);
    expect([namesOf(steps), steps.history, steps.undone]).toEqual([[], given.history, new Set()]);
  }
  const together = [history[0], { ...history[1], before: null }] as AppliedTransform[];
  const between = stepsOf({
    ...wayBack,
    history: together,
    after: schema({ t: object("b"), u: object("a") }),
  });
  expect(between.irreversible.get("t")).toContain(
    "m:two, which it no longer exports, came in one deploy with others",
  );
});

test("without documents there is nothing to carry back, and the history forgets all the same", () => {
  const steps = stepsOf({ ...wayBack, history, running: null, documents: new Map([["t", 0]]) });
  expect([namesOf(steps), steps.history, steps.irreversible]).toEqual([[], [], new Map()]);
});

test("a step of no shape undoes none, and one whose type is unknown takes any document", () => {
  const settled = [{ ...history[0], shape: null, after: null } as AppliedTransform];
  const before = schema({ t: object("b"), u: object("a") });
  const [step] = stepsOf({ ...wayBack, before, history: settled }).transforms;
  expect(step?.definition).not.toHaveProperty("undoes");
  expect(step?.takes).toBeNull();
});

test("an origin names its push and direction; modules are told by what they say", () => {
  expect(originText(origin, "f", "up")).toBe("push:p1#up");
  expect(originText({ kind: "modules" }, "f", "down")).toBe("modules:f#down");
  expect(["push:a#b#up", "push:p1#down", "modules:f#up", "xpush:a#up", "push:a#upon"].map(pushIdOf)).toEqual([
    "a#b",
    "p1",
    null,
    null,
    null,
  ]);
});
