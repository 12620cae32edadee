/** Parses waivers and finds the changes that they relax. */
import { TrueupError } from "../../errors/index.js";
import { ruleOf, waivers, type WaiverName } from "./rules.js";
import { changeTarget, type SchemaChange } from "./schema-change.js";

/** A waiver for one place, or for every change whose rule it relaxes. */
export interface GivenWaiver {
  readonly name: WaiverName;
  /** The component that the target belongs to: `a/b` in `drop-table:a/b/bills`; "" is the app. */
  readonly componentPath: string;
  /** A table, `users`, or a field, `users.address.city`; absent for all, in every component. */
  readonly target?: string;
}

/** The path of a component with a slash behind each name, then a table, then a place in its documents. */
const targetForm = /^((?:[A-Za-z_]\w*\/)*)([A-Za-z_]\w*)((?:[.[(].*)?)$/s;

/**
 * Parses waivers as they are written: `drop-field`, `drop-field:users.legacy`, `drop-table:billing/bills`.
 * @param mounted The paths of the mounted components; when it is left out, any component may be named.
 * @throws UNKNOWN_WAIVER for an unknown name, a target that is no table or field, or a component that is not mounted
 */
export function parseWaivers(
  texts: readonly string[],
  mounted?: ReadonlySet<string>,
): readonly GivenWaiver[] {
  return texts.map((text) => {
    const [name = "", ...rest] = text.split(":");
    if (!isWaiverName(name)) {
      const known = Object.keys(waivers);
      const message = `There is no waiver "${name}". There are ${known.join(", ")}.`;
      throw new TrueupError("UNKNOWN_WAIVER", message, { waiver: text, known });
    }
    if (rest.length === 0) return { name, componentPath: "" };
    const [, scope, table, field] = targetForm.exec(rest.join(":")) ?? [];
    if (scope === undefined || table === undefined || (name === "drop-table" && field !== "")) {
      const form =
        name === "drop-table"
          ? `"${name}:table", or "${name}:component/table"`
          : `"${name}:table.field", or "${name}:component/table.field"`;
      throw new TrueupError("UNKNOWN_WAIVER", `"${text}" names no place. Write ${form}.`, { waiver: text });
    }
    const componentPath = scope.slice(0, -1);
    if (componentPath !== "" && mounted?.has(componentPath) === false) {
      const paths = [...mounted].filter((path) => path !== "");
      const known = paths.length === 0 ? "There are no components." : `There are ${paths.join(", ")}.`;
      const message = `"${text}" is for a table of component "${componentPath}", which is not mounted. ${known}`;
      throw new TrueupError("UNKNOWN_WAIVER", message, { waiver: text, known: paths });
    }
    return { name, componentPath, target: `${table}${field}` };
  });
}

/** The waiver that would relax a change, as `parseWaivers` takes it; null where there is none. */
export function waiverText(change: SchemaChange, componentPath: string): string | null {
  const { waiver } = ruleOf(change.rule);
  if (waiver === null) return null;
  return `${waiver}:${componentPath === "" ? "" : `${componentPath}/`}${changeTarget(change)}`;
}

/** The waiver that relaxes a change of a component's schema, if one is given. */
export function waiverFor(
  change: SchemaChange,
  given: readonly GivenWaiver[],
  componentPath: string = "",
): GivenWaiver | undefined {
  const { waiver } = ruleOf(change.rule);
  const targets = [change.tableName, changeTarget(change), `${change.tableName}${change.pattern ?? ""}`];
  return given.find(
    (one) =>
      one.name === waiver &&
      (one.target === undefined || (one.componentPath === componentPath && targets.includes(one.target))),
  );
}

/** A field of a component's table. */
export interface FieldPlace {
  readonly componentPath: string;
  readonly tableName: string;
  /** The path in documents: "items[].sku"; "" for the whole document. */
  readonly path: string;
}

/** Whether a waiver of that name is given for a field of documents, or for something around it. */
export function isFieldWaived(
  given: readonly GivenWaiver[],
  name: WaiverName,
  { componentPath, tableName, path }: FieldPlace,
): boolean {
  const place = path === "" ? tableName : `${tableName}.${path}`;
  return given.some((one) => {
    if (one.name !== name || one.target === undefined || one.componentPath !== componentPath) return false;
    const target = inDocuments(one.target);
    return place.startsWith(target) && /^(\.|\[|$)/.test(place.slice(target.length));
  });
}

/** A place in a type as a place in documents: without members of unions; a place in a record stands for the whole record. */
function inDocuments(target: string): string {
  return (target.split(".values()")[0] ?? "").replaceAll(/\([^)]*\)/g, "");
}

function isWaiverName(name: string): name is WaiverName {
  return Object.hasOwn(waivers, name);
}
