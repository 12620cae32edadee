/** Loaded before the program of a process: `fetch` goes to other addresses, `REDIRECT_FETCH="<from> <to> <from> <to>"`. */
const words = process.env.REDIRECT_FETCH.split(" ");
const real = globalThis.fetch;
const redirected = (url) => {
  const at = words.findIndex((from, index) => index % 2 === 0 && url.startsWith(`${from}/`));
  return at < 0 ? url : words[at + 1] + url.slice(words[at].length);
};
globalThis.fetch = async (input, init) => {
  if (!(input instanceof Request)) return await real(redirected(String(input)), init);
  const url = redirected(input.url);
  return await real(url === input.url ? input : new Request(url, input), init);
};
