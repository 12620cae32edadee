import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { ComponentProgram } from "../program/component-program.js";
import { LoadedComponent } from "../program/loaded-component.js";
import { LoadedProgram } from "../program/loaded-program.js";
import { StalledCalls, type StalledCall } from "./stalled-calls.js";

function programOf(codeId: string): LoadedProgram {
  const app: ComponentProgram = { path: "", codeId, modules: {}, schema: null, children: {} };
  const root = new LoadedComponent(app);
  return new LoadedProgram(root, new Map([["", root]]));
}

const stalled = (args: string): StalledCall => ({
  codeId: "a",
  componentPath: "",
  path: "app:spin",
  args: createHash("sha256").update(args).digest("hex"),
});
const refusal = expect.objectContaining({ code: "FUNCTION_TIMEOUT" });

test("the call that stalled is refused in the same code, and no other", () => {
  const calls = new StalledCalls([stalled('{"n":1}')]);
  expect(() => calls.assertNone(programOf("a"), "", "app:spin", { n: 1 })).toThrow(refusal);
  expect(() => calls.assertNone(programOf("a"), "", "app:spin", { n: 2 })).not.toThrow();
  expect(() => calls.assertNone(programOf("a"), "", "app:other", { n: 1 })).not.toThrow();
  expect(() => calls.assertNone(programOf("a"), "other", "app:spin", { n: 1 })).not.toThrow();
  expect(() => calls.assertNone(programOf("b"), "", "app:spin", { n: 1 })).not.toThrow();
});

test("a function that stalled with three arguments is refused with any", () => {
  const calls = new StalledCalls(['{"n":1}', '{"n":2}', '{"n":3}'].map(stalled));
  expect(() => calls.assertNone(programOf("a"), "", "app:spin", { n: 4 })).toThrow(refusal);
  expect(() => calls.assertNone(programOf("b"), "", "app:spin", { n: 4 })).not.toThrow();
});
