/** A browser's way through `better-auth`, by its own client: signs up, is seen, signs out, signs in. Prints what it saw. */
import { convexClient, crossDomainClient } from "@convex-dev/better-auth/client/plugins";
import { createAuthClient } from "better-auth/client";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";

const [url, siteUrl, email] = process.argv.slice(2);
const kept = new Map();
const storage = {
  getItem: (name) => kept.get(name) ?? null,
  setItem: (name, value) => kept.set(name, value),
};
const auth = createAuthClient({
  baseURL: siteUrl,
  fetchOptions: { headers: { origin: "https://shop.example" } },
  plugins: [convexClient(), crossDomainClient({ storage })],
});
const ada = { email, password: "correct horse", name: "Ada" };
const http = new ConvexHttpClient(url, { logger: false });
const token = async () => (await auth.convex.token()).data?.token ?? null;
const seen = {};

seen.before = await http.query(anyApi.auth.me, {});
seen.signedUp = (await auth.signUp.email(ada)).data?.user.email;
seen.session = (await auth.getSession()).data?.user.name;
http.setAuth(await token());
seen.byHttp = await http.query(anyApi.auth.me, {});
const socket = new ConvexClient(url, { logger: false });
socket.setAuth(token);
seen.bySocket = await socket.query(anyApi.auth.secret, {});
await socket.close();
await auth.signOut();
seen.signedOut = await http.query(anyApi.auth.me, {});
seen.refused = await http.query(anyApi.auth.secret, {}).catch((error) => error.data);
seen.noToken = await token();
seen.wrongPassword = (await auth.signIn.email({ ...ada, password: "wrong horse" })).error?.code;
seen.taken = (await auth.signUp.email(ada)).error?.code;
seen.signedIn = (await auth.signIn.email(ada)).data?.user.email;
http.setAuth(await token());
seen.again = await http.query(anyApi.auth.secret, {});
console.log(JSON.stringify(seen));
