/** The rules for the names of tables, indexes and declared fields. */

const maxIdentifierLength = 64;
const maxFieldLength = 1024;

/** What a table or index may be called, leading underscores aside. */
export function isIdentifier(name: string): boolean {
  return name.length <= maxIdentifierLength && /^[A-Za-z][A-Za-z0-9_]*$/.test(name);
}

/** The name of a table as an id may refer to it: system tables begin with an underscore. */
export function isTableReference(name: string): boolean {
  return isIdentifier(name.startsWith("_") ? name.slice(1) : name);
}

/** What a declared field may be called: letters, digits and underscores, not a digit first. */
export function isDeclarableField(name: string): boolean {
  return name.length <= maxFieldLength && /^_*[A-Za-z][A-Za-z0-9_]*$/.test(name);
}

/** A path of declared fields, dots between: "address.city". */
export function isFieldPath(path: string): boolean {
  return path.split(".").every(isDeclarableField);
}
