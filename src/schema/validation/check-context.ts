/** What checking a value needs to know of the database around it. */
export interface CheckContext {
  /** The name of the table that an id belongs to; null when the string is no id of a known table. */
  tableOfId(id: string): string | null;
}
