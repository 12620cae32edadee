/**
 * The keys of admins, each with a name, in a system table of the data: as hashes, since nobody has to read a key again. Which
 * keys hold is read anew after each commit that changes the table, whoever made it.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readAll, type Database } from "../database/index.js";
import { TrueupError } from "../errors/index.js";
import { catchUp } from "../storage/storage.js";

const table = "_admin_keys";
const maxKeys = 100;

/** A key, without what makes it one. */
export interface AdminKey {
  readonly name: string;
  readonly createdAtMs: number;
}

interface KeyRow extends AdminKey {
  /** The SHA-256 of the key, in hex. */
  readonly sha256: string;
}

/** Makes, lists and revokes the keys of admins. A backend has one, `backend.keys`. */
export class AdminKeys {
  readonly #database: Database;
  #digests: Promise<readonly Buffer[]> | null = null;

  constructor(database: Database) {
    this.#database = database;
    database.onCommit(({ tables }) => {
      if (tables.some(({ componentPath, tableName }) => componentPath === "" && tableName === table)) {
        this.#digests = null;
      }
    });
  }

  /**
   * Makes a key, and resolves with it; it is not told again.
   * @param name Letters, digits, `-`, `_` and `.`, at most 40.
   * @throws INVALID_ADMIN_KEY for another name, for one that there is already, and for the hundred and first
   */
  async add(name: string): Promise<string> {
    if (!/^[\w.-]{1,40}$/.test(name)) {
      throw invalid(
        `${JSON.stringify(name)} is no name of a key: letters, digits, "-", "_" and ".", at most 40.`,
        name,
      );
    }
    // The form of the official keys, in which a name stands before the secret.
    const key = `${name}|${randomBytes(32).toString("base64url")}`;
    await this.#database.mutate(
      async (tx) => {
        const writer = tx.system("");
        const rows = await readAll<KeyRow>(writer, table);
        if (rows.some((row) => row.name === name)) {
          throw invalid(`There is a key named ${name} already.`, name);
        }
        if (rows.length >= maxKeys) throw invalid(`There are at most ${maxKeys} keys.`, name);
        await writer.insert(table, { name, createdAtMs: tx.beganAtMs, sha256: digest(key).toString("hex") });
      },
      { limits: null },
    );
    return key;
  }

  /** All keys, sorted by name. O(keys). */
  async list(): Promise<readonly AdminKey[]> {
    const rows = await this.#rows();
    const keys = rows.map(({ name, createdAtMs }) => ({ name, createdAtMs }));
    return keys.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Takes a key back, at once. @throws INVALID_ADMIN_KEY where there is none of that name */
  async revoke(name: string): Promise<void> {
    await this.#database.mutate(
      async (tx) => {
        const writer = tx.system("");
        const row = (await readAll<KeyRow>(writer, table)).find((each) => each.name === name);
        if (row === undefined) throw invalid(`There is no key named ${name}.`, name);
        await writer.delete(row._id, table);
      },
      { limits: null },
    );
  }

  /**
   * Whether this is one of the keys, as of what any process was told. Takes the same time for every key that is none.
   * @throws STORAGE_UNAVAILABLE
   */
  async hold(key: string): Promise<boolean> {
    const catching = catchUp(this.#database.storage);
    if (catching !== undefined) await catching;
    const wanted = digest(key);
    this.#digests ??= this.#readDigests();
    let isHeld = false;
    for (const each of await this.#digests) if (timingSafeEqual(each, wanted)) isHeld = true;
    return isHeld;
  }

  async #readDigests(): Promise<readonly Buffer[]> {
    try {
      return (await this.#rows()).map(({ sha256 }) => Buffer.from(sha256, "hex"));
    } catch (error) {
      this.#digests = null;
      throw error;
    }
  }

  async #rows(): Promise<readonly KeyRow[]> {
    const { value } = await this.#database.query((tx) => readAll<KeyRow>(tx.system(""), table), {
      limits: null,
    });
    return value;
  }
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function invalid(message: string, name: string): TrueupError {
  return new TrueupError("INVALID_ADMIN_KEY", message, { name });
}
