/** Whether a `.gitignore` keeps a name out, as far as one can tell from lines that name files or use `*`. */

/** @param text Of the `.gitignore` beside the file or folder. */
export function isIgnored(text: string, name: string): boolean {
  let ignored = false;
  for (const line of text.split(/\r?\n/)) {
    const [, negates, pattern = ""] = /^(!?)\/?(.*?)\/?\s*$/.exec(line) ?? [];
    if (pattern === "" || pattern.startsWith("#")) continue;
    const parts = pattern.split("*").map((part) => part.replaceAll(/[\\^$.|?+()[\]{}]/g, String.raw`\$&`));
    if (new RegExp(`^${parts.join("[^/]*")}$`).test(name)) ignored = negates !== "!";
  }
  return ignored;
}

/** The text with lines for the names that it does not keep out yet. */
export function withIgnored(text: string, names: readonly string[]): string {
  const missing = names.filter((name) => !isIgnored(text, name));
  if (missing.length === 0) return text;
  const lineEnd = text.includes("\r\n") ? "\r\n" : "\n";
  const before = text === "" || text.endsWith("\n") ? text : text + lineEnd;
  return before + missing.map((name) => name + lineEnd).join("");
}
