/**
 * Compiles texts as Node compiles a CommonJS module, by the method that every loader hooks into: of all that evaluates text,
 * it alone reads source maps and lets go of the text, the map and the code when nobody uses the module any more.
 */
import Module from "node:module";

/** The part of a CommonJS module that Node documents for nobody and that so many rely on. */
interface Compiling {
  _compile(text: string, file: string): void;
}

/**
 * Runs the text of a CommonJS module, and returns the module with what it exports. The file is its name, and need not be
 * there. The map of its source is forgotten with the module.
 */
export function compile(text: string, file: string): Module {
  process.setSourceMapsEnabled(true);
  const module = new Module(file) as Module & Compiling;
  module.filename = file;
  module._compile(text, file);
  return module;
}
