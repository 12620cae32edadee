/** The pushed code in place and the environment it runs in, as the head of the catalog names them: read once for each program. */
import type { Database, QueryTransaction } from "../../database/index.js";
import type { Environment } from "../definitions/component-tree.js";
import { readEnvironment } from "./environment-store.js";
import type { ProgramCode } from "./program-code.js";
import { codeTextOf, parseProgramName } from "./program-names.js";
import { readPushed } from "./program-store.js";

export interface InForce {
  /** The name of the program; null before the first was put in place. */
  readonly name: string | null;
  /** Which code it is, as pushes are based on it. */
  readonly base: string | null;
  /** Null where it is not pushed code, or is lost. */
  readonly code: ProgramCode | null;
  readonly env: Environment;
}

export class CodeInForce {
  readonly #database: Database;
  #known: InForce | null = null;

  constructor(database: Database) {
    this.#database = database;
  }

  /** O(1) as long as the same program is in place, else O(code). */
  async read(): Promise<InForce> {
    const { value } = await this.#database.query((tx) => this.readIn(tx), { limits: null });
    return value;
  }

  /** The same as of a transaction. */
  async readIn(tx: QueryTransaction): Promise<InForce> {
    const { program: name } = tx;
    if (this.#known !== null && this.#known.name === name) return this.#known;
    const env = await readEnvironment(tx);
    const parsed = name === null ? null : parseProgramName(name);
    const code = parsed?.kind === "push" ? await readPushed(tx, parsed.pushId) : null;
    const found: InForce = { name, base: codeTextOf(name), code, env };
    // A change of the environment gives pushed code another name, and other code none.
    if (code !== null) this.#known = found;
    return found;
  }
}
