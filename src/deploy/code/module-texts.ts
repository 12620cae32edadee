/** What was found in the modules of stored code: each is parsed once, when it is pushed, and its outline is stored with it. */
import { readOutline, writeOutline } from "../modules/module-outline.js";
import { moduleText, type ModuleText } from "../modules/module-text.js";
import type { CodeModule } from "./program-code.js";

const found = new WeakMap<CodeModule, ModuleText>();

/** A module as it is compiled. @throws SyntaxError */
export function textOf(module: CodeModule): ModuleText {
  const { source, outline } = module;
  const text =
    found.get(module) ?? (outline === undefined ? null : readOutline(outline, source)) ?? moduleText(source);
  found.set(module, text);
  return text;
}

/** What to store of a module that was imported; null for one that was not. */
export function outlineOf(module: CodeModule): string | null {
  const text = found.get(module);
  return text === undefined ? (module.outline ?? null) : writeOutline(text);
}
