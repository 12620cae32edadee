/**
 * Reads the JSON of requests by validators, and says which part of a request is wrong. Requests come from the official CLI and
 * the official clients, so a wrong part means another version of them or another program. What a validator does not name is
 * left out, since other versions may send more; an optional field may be null. Unions may have scalars only.
 */
import type { GenericValidator, Infer } from "convex/values";
import { TrueupError } from "../errors/index.js";
import { compileValidator, parseValidator, type ValidatorJson } from "../schema/index.js";

/**
 * Makes a validator ready to read many requests with. What it makes throws INVALID_REQUEST, with the place of the first part
 * that is wrong, as `appDefinition.changedModules[3].path`, and what was expected there.
 */
export function requestReader<Request extends GenericValidator>(
  validator: Request,
): (body: unknown) => Infer<Request> {
  const json = parseValidator(Reflect.get(validator, "json"));
  const named = namedParts(json);
  const { fits, check } = compileValidator(json);
  const isRequest = (request: unknown): request is Infer<Request> => fits(request, noTables);
  return (body) => {
    const request = named(body);
    if (isRequest(request)) return request;
    const [violation] = check(request, noTables);
    if (violation === undefined) throw new Error("a request that does not fit has a violation");
    throw invalidRequest(violation.path.replace(/^\./, ""), violation.expected, violation.actual);
  };
}

/** The error for a part of a request that is not what it must be. @param actual The part as text. */
export function invalidRequest(place: string, expected: string, actual: string): TrueupError {
  const where = place === "" ? "the request" : `\`${place}\``;
  const shown = actual.length > maxShown ? `${actual.slice(0, maxShown)}...` : actual;
  const found = actual === "undefined" ? "missing" : shown;
  const message = `Malformed request: ${where} must be ${expected}, and is ${found}.`;
  return new TrueupError("INVALID_REQUEST", message, { place, expected });
}

const maxShown = 60;
const noTables = { tableOfId: (): null => null };

/** Compiles a validator to what takes the parts of a value that it names. O(size of the value) for each value. */
function namedParts(json: ValidatorJson): (value: unknown) => unknown {
  switch (json.type) {
    case "array": {
      const element = namedParts(json.value);
      return (value) => (Array.isArray(value) ? value.map(element) : value);
    }
    case "object": {
      const fields = Object.entries(json.value).map(([name, { fieldType, optional }]) => ({
        name,
        named: namedParts(fieldType),
        optional,
      }));
      return (value) => {
        if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
        const parts: Record<string, unknown> = {};
        for (const { name, named, optional } of fields) {
          const part: unknown = Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
          if (part !== undefined && !(optional && part === null)) parts[name] = named(part);
        }
        return parts;
      };
    }
    default:
      return (value) => value;
  }
}
