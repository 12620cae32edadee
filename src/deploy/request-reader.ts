/**
 * Reads the JSON of requests by validators, and says which part of a request is wrong. Requests come from the official CLI, so
 * a wrong part means another version of it or another program. What a validator does not name is left out, since other
 * versions may send more; an optional field may be null.
 */
import type { GenericValidator, Infer } from "convex/values";
import { TrueupError } from "../errors/index.js";
import { checkValue, parseValidator, type ValidatorJson } from "../schema/index.js";

/**
 * Makes a validator ready to read many requests with. What it makes throws INVALID_REQUEST, with the place of the first part
 * that is wrong, as `appDefinition.changedModules[3].path`, and what was expected there.
 */
export function requestReader<Request extends GenericValidator>(
  validator: Request,
): (body: unknown) => Infer<Request> {
  const json = parseValidator(Reflect.get(validator, "json"));
  return (body) => {
    const request = named(json, body);
    if (fits<Infer<Request>>(json, request)) return request;
    throw new Error("unreachable: a request that does not fit throws");
  };
}

/** The error for a part of a request that is not what it must be. */
export function invalidRequest(place: string, expected: string, actual: string): TrueupError {
  const where = place === "" ? "the request" : `\`${place}\``;
  const shown = actual.length > maxShown ? `${actual.slice(0, maxShown)}...` : actual;
  const found = actual === "undefined" ? "missing" : shown;
  return new TrueupError(
    "INVALID_REQUEST",
    `Malformed request: ${where} must be ${expected}, and is ${found}.`,
    {
      place,
      expected,
    },
  );
}

const maxShown = 60;

/** @throws INVALID_REQUEST */
function fits<Request>(json: ValidatorJson, request: unknown): request is Request {
  const [violation] = checkValue(json, request, { tableOfId: () => null });
  if (violation === undefined) return true;
  throw invalidRequest(violation.path.replace(/^\./, ""), violation.expected, violation.actual);
}

/** The parts of a value that a validator names. O(size of the value). */
function named(json: ValidatorJson, value: unknown): unknown {
  switch (json.type) {
    case "array":
      return Array.isArray(value) ? value.map((element) => named(json.value, element)) : value;
    case "object":
      if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
      return Object.fromEntries(
        Object.entries(json.value).map(([field, { fieldType, optional }]) => {
          const part: unknown = Object.hasOwn(value, field) ? Reflect.get(value, field) : undefined;
          return [field, optional && part === null ? undefined : named(fieldType, part)];
        }),
      );
    default:
      return value;
  }
}
