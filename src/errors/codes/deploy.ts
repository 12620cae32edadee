/** Error codes of deploys, sorted by name. The room throws them as `TrueupError`s. */
import { final, retryable, type ErrorCodeEntry } from "./error-code-entry.js";

export const deployCodes = {
  AUTH_CONFIG_MISSING_ENVIRONMENT_VARIABLE: final(
    "auth.config reads an environment variable that is not set.",
    "Set it: `npx convex env set NAME value`.",
  ),
  COMPONENT_NOT_MOVED: final(
    "The data of a component cannot be handed over to the component that takes its place.",
    "Do what the message says, and deploy again; nothing has changed.",
  ),
  DESTRUCTIVE_CHANGE: final(
    "The new schema has no place for data that is stored now, or a transform loses it.",
    "Keep it, move it, or export a waiver that names it; the message has the lines to paste.",
  ),
  INVALID_COMPONENTS: final(
    "The components in convex.config do not fit together.",
    "Mend convex.config.ts; the message names the component.",
  ),
  INVALID_ENVIRONMENT_VARIABLE: final(
    "The environment variable cannot be set.",
    "See the message for the names and values that are allowed.",
  ),
  INVALID_FUNCTION: final(
    "A function of this kind cannot stand in this module.",
    "Move it to another module, or make it an action.",
  ),
  INVALID_REQUEST: final(
    "The request is not one that this server understands.",
    "Use the `convex` package in a version that docs/compatibility.md names.",
  ),
  MIGRATION_UNFINISHED: retryable(
    "A migration of a table is not complete, so its documents have two shapes, and the deploy brings something that is written for only one of them.",
    "Wait until the migration is complete (`trueup migrations --watch`), or see the message for how to replace it.",
  ),
  MISSING_ENVIRONMENT_VARIABLES: final(
    "The code declares environment variables that are not set.",
    "Set them: `npx convex env set NAME value`.",
  ),
  PUSH_OUTDATED: retryable(
    "Code or environment variables have changed since this push began.",
    "Push again: `npx convex dev` does so by itself.",
  ),
  SCHEMA_NOT_SATISFIED: final(
    "Stored documents do not fit the schema that was pushed.",
    "Bring a migration with the deploy (the message has the plan), or make the new schema accept both shapes.",
  ),
  TRANSFORM_INVALID: final(
    "A transform, rename or waiver that the code declares cannot be applied.",
    "Mend the declaration; the message says what is wrong with it.",
  ),
  TRANSFORM_REHEARSAL_FAILED: final(
    "A transform failed on stored documents, or made documents that the new schema refuses.",
    "Make `up` accept the documents that the message names, and deploy again; nothing has changed.",
  ),
} as const satisfies Record<string, ErrorCodeEntry>;
