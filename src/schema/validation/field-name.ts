/** The rule for names of object fields and record keys as values (a declared field is stricter). */

const maxFieldNameLength = 1024;

/** True for printable ASCII of at most 1024 characters that does not begin with `$`. */
export function isFieldName(name: string): boolean {
  if (name.length > maxFieldNameLength || name.charCodeAt(0) === 0x24) return false;
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index);
    if (code < 32 || code >= 127) return false;
  }
  return true;
}
