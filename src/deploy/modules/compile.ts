/**
 * Compiles texts as Node compiles a CommonJS module, by the method that every loader hooks into: of all that evaluates text,
 * it alone reads source maps and lets go of the map when nobody uses the module any more.
 */
import Module from "node:module";
import { setFlagsFromString } from "node:v8";

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
  // The cache of compiled texts would hold text and code until V8 has collected garbage in full some six times on its own.
  setFlagsFromString("--no-compilation-cache");
  try {
    module._compile(text, file);
  } finally {
    setFlagsFromString("--compilation-cache");
  }
  return module;
}
