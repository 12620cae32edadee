/** The rules for the names of tables, indexes and declared fields. */

const maxIdentifierLength = 64;
const maxFieldLength = 1024;

/** Whether a text may name a table or an index; leading underscores are checked elsewhere. */
export function isIdentifier(name: string): boolean {
  return name.length <= maxIdentifierLength && /^[A-Za-z][A-Za-z0-9_]*$/.test(name);
}

/** Whether an id may refer to a table of this name. The names of system tables begin with an underscore. */
export function isTableReference(name: string): boolean {
  return isIdentifier(name.startsWith("_") ? name.slice(1) : name);
}

/** Whether a declared field may have this name: letters, digits and underscores, and no digit first. */
export function isDeclarableField(name: string): boolean {
  return name.length <= maxFieldLength && /^_*[A-Za-z][A-Za-z0-9_]*$/.test(name);
}

/** Whether a text is a path of declared fields with dots between them: "address.city". */
export function isFieldPath(path: string): boolean {
  return path.split(".").every(isDeclarableField);
}
