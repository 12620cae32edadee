/** What the package has built but gives no public name to, by its path in `dist/`. The caller says what it is. */

const root = import.meta.resolve("trueup/package.json");

export async function builtModule<T>(path: string): Promise<T> {
  return (await import(new URL(`dist/${path}`, root).href)) as T;
}
