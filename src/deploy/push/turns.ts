/** Runs tasks one after another, in the order they came. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves and rejects with the task; a task that fails does not hold up the next. */
  async take<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(task, task);
    this.#last = turn.catch(() => {});
    return await turn;
  }
}
