/** A page that a server renders with `@convex-dev/react-query`, as its README sets it up. Prints the page. */
import { ConvexQueryClient, convexQuery } from "@convex-dev/react-query";
import { QueryClient, QueryClientProvider, useSuspenseQuery } from "@tanstack/react-query";
import { anyApi } from "convex/server";
import { createElement as h, Suspense } from "react";
import { renderToReadableStream } from "react-dom/server";

const convex = new ConvexQueryClient(process.argv[2]);
const queries = new QueryClient({
  defaultOptions: { queries: { queryKeyHashFn: convex.hashFn(), queryFn: convex.queryFn() } },
});
convex.connect(queries);

/** Both parts are of one moment, whatever others write. */
function Part({ name }) {
  const { data } = useSuspenseQuery(convexQuery(anyApi.log.list, { topic: "page" }));
  return h("p", null, `${name}: ${data.join(", ")}`);
}

const page = h(
  QueryClientProvider,
  { client: queries },
  h(Suspense, null, h(Part, { name: "one" }), h(Part, { name: "two" })),
);
const stream = await renderToReadableStream(page);
await stream.allReady;
console.log(await new Response(stream).text());
