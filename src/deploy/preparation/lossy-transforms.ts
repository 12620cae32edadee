/**
 * What transforms would lose, as their rehearsal has seen it in the documents, and that no waiver allows: values that neither
 * stay nor are used, and values that `down` does not bring back. A value that may be deleted for good (`drop-field`) need
 * not come back either; that another one comes in its place is said by `lossy-down`.
 */
import type { RehearsalLoss } from "../../database/index.js";
import { TrueupError } from "../../errors/index.js";
import { isFieldWaived, parseWaivers, waiverModule, type FieldPlace } from "../../schema/index.js";
import { counted, someOf, type RehearsedSteps } from "./rehearse-steps.js";

interface Found extends FieldPlace {
  readonly loss: RehearsalLoss;
}

/** Null when nothing is lost, or all of it is waived. @param waivers As seen from the app. */
export function lossRefusal(
  rehearsed: readonly RehearsedSteps[],
  waivers: readonly string[],
): TrueupError | null {
  const given = parseWaivers(waivers);
  const found = rehearsed
    .flatMap(({ componentPath, newName, rehearsal }) =>
      rehearsal.losses.map((loss): Found => ({ componentPath, tableName: newName, path: loss.path, loss })),
    )
    .filter((one) => !waiverNames[one.loss.kind].some((name) => isFieldWaived(given, name, one)));
  if (found.length === 0) return null;
  const lost = new Set(found.filter(({ loss }) => loss.kind === "lost").map(placeOf));
  const asked = found.flatMap((one) => {
    if (one.loss.kind === "lost") return `drop-field:${placeOf(one)}`;
    return one.loss.kind === "notBroughtBack" && lost.has(placeOf(one)) ? [] : `lossy-down:${placeOf(one)}`;
  });
  const message = [
    "Transforms would lose data that is stored now:",
    found.map(describe).join("\n"),
    "Let `up` keep the values and `down` bring them back, or say that they may go, by a module of the app (convex/waivers.ts) with these lines:",
    waiverModule(asked).trimEnd(),
    "Nothing has changed.",
  ].join("\n\n");
  return new TrueupError("DESTRUCTIVE_CHANGE", message, {
    losses: found.map(({ componentPath, tableName, loss }) => ({ componentPath, table: tableName, ...loss })),
    waivers: asked,
  });
}

/** The waivers that allow a loss, by its kind. */
const waiverNames = {
  lost: ["drop-field"],
  notBroughtBack: ["drop-field", "lossy-down"],
  broughtBackOtherwise: ["lossy-down"],
} as const;

function placeOf({ componentPath, tableName, path }: FieldPlace): string {
  const table = componentPath === "" ? tableName : `${componentPath}/${tableName}`;
  return path === "" ? table : `${table}.${path}`;
}

function describe(one: Found): string {
  const { kind, transform, count, ids, example } = one.loss;
  const which = `${counted(count)} (${someOf(ids, count)})`;
  if (kind === "lost") {
    return `  ${placeOf(one)}: \`up\` of ${transform} neither keeps nor uses its value in ${which}, for instance ${example}.`;
  }
  return `  ${placeOf(one)}: \`down\` of ${transform} does not undo its \`up\` in ${which}: ${example}.`;
}
