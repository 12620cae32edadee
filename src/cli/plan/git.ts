/**
 * The questions that a plan has for git: which commit a ref is, which files it holds, and which ref stands for what is deployed.
 */
import { execFile, spawn } from "node:child_process";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { TrueupError } from "../../errors/index.js";

const run = promisify(execFile);
const maxOutputBytes = 1 << 28;

/** A commit and the name that led to it. */
export interface Commit {
  /** The name by which it was asked for. */
  readonly ref: string;
  readonly hash: string;
}

/** A file of a commit. */
export interface TreeFile {
  /** From the folder of the repository. */
  readonly path: string;
  readonly blob: string;
  readonly sizeBytes: number;
  readonly isLink: boolean;
}

/** The repository around a folder. */
export class Git {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The repository's own folder. @throws GIT_REF_UNREADABLE when there is no repository, or no git */
  async root(): Promise<string> {
    return (await this.#git(["rev-parse", "--show-toplevel"])).trim();
  }

  /** The commit that a ref names. @throws GIT_REF_UNREADABLE when there is no such ref */
  async commit(ref: string): Promise<Commit> {
    const hash = await this.#git(
      ["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`],
      ref,
    );
    return { ref, hash: hash.trim() };
  }

  /**
   * The commit that stands for what is deployed: that of the remote's default branch, else of its branch `main` or
   * `master`, else the last commit.
   *
   * @throws GIT_REF_UNREADABLE when there is no commit at all.
   */
  async defaultCommit(): Promise<Commit> {
    for (const ref of ["origin/HEAD", "origin/main", "origin/master"]) {
      try {
        return await this.commit(ref);
      } catch {
        continue;
      }
    }
    return await this.commit("HEAD");
  }

  /** Every file of a commit. */
  async files({ hash, ref }: Commit): Promise<readonly TreeFile[]> {
    const listed = await this.#git(["ls-tree", "-r", "-l", "-z", "--full-tree", hash], ref);
    return listed.split("\0").flatMap((line) => {
      const [, mode, blob, size, path] = /^(\d+) blob (\w+) +(\d+)\t(.+)$/s.exec(line) ?? [];
      if (path === undefined || blob === undefined) return [];
      return [{ path, blob, sizeBytes: Number(size), isLink: mode === "120000" }];
    });
  }

  /** The contents of the blobs, in the same order. */
  async contents(blobs: readonly string[]): Promise<readonly Buffer[]> {
    if (blobs.length === 0) return [];
    const child = spawn("git", ["cat-file", "--batch"], {
      cwd: this.#folder,
      stdio: ["pipe", "pipe", "ignore"],
    });
    child.stdin.on("error", () => {});
    child.stdin.end(`${blobs.join("\n")}\n`);
    const output = await buffer(child.stdout);
    let at = 0;
    return blobs.map((blob) => {
      const end = output.indexOf(0x0a, at);
      const [, size] = /^\w+ blob (\d+)$/.exec(output.toString("latin1", at, end)) ?? [];
      if (size === undefined) throw unreadable(`git has no object ${blob}.`, { blob });
      const begin = end + 1;
      at = begin + Number(size) + 1;
      return output.subarray(begin, at - 1);
    });
  }

  async #git(args: readonly string[], ref?: string): Promise<string> {
    try {
      const { stdout } = await run("git", args, { cwd: this.#folder, maxBuffer: maxOutputBytes });
      return stdout;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") {
        throw unreadable("There is no git on this machine.", {}, error);
      }
      const message =
        ref === undefined
          ? `${this.#folder} is not in a git repository.`
          : `There is neither a file nor a git ref "${ref}" here.`;
      throw unreadable(message, ref === undefined ? {} : { ref }, error);
    }
  }
}

function unreadable(
  message: string,
  details: Readonly<Record<string, string>>,
  cause?: unknown,
): TrueupError {
  return new TrueupError("GIT_REF_UNREADABLE", message, details, cause);
}
