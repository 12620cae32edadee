/** Loaded before the program of a process: `fetch` of one address, `REDIRECT_FETCH="<from> <to>"`, goes to another one. */
const [from, to] = process.env.REDIRECT_FETCH.split(" ");
const real = globalThis.fetch;
globalThis.fetch = (input, init) =>
  real(typeof input === "string" && input.startsWith(from) ? to + input.slice(from.length) : input, init);
