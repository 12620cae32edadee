/** The export's part of a declaration's name, `module:export`: what stays when it moves to another module. */
export function exportOf(name: string): string {
  return name.slice(name.lastIndexOf(":") + 1);
}
