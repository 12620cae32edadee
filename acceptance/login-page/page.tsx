/** A page whose users log in at an OpenID Connect provider, with the library that such pages use and React's `ConvexProviderWithAuth`. */
import {
  ConvexProviderWithAuth,
  ConvexReactClient,
  useConvexAuth,
  useMutation,
  useQuery,
} from "convex/react";
import { anyApi } from "convex/server";
import { UserManager } from "oidc-client-ts";
import { useCallback, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

declare global {
  interface Window {
    readonly servers: { readonly convex: string; readonly issuer: string };
  }
}

const { convex, issuer } = window.servers;
const client = new ConvexReactClient(convex);
const manager = new UserManager({
  authority: issuer,
  client_id: "app",
  redirect_uri: `${location.origin}/`,
  scope: "openid email",
  automaticSilentRenew: false,
});

/** Resolves when whoever comes back from the provider has been let in. */
const arrived = (async () => {
  if (new URLSearchParams(location.search).has("code")) {
    await manager.signinCallback();
    history.replaceState(null, "", "/");
  }
  return (await manager.getUser()) !== null;
})();

function useProvider() {
  const [isIn, setIn] = useState<boolean>();
  useEffect(() => {
    void arrived.then(setIn);
    const leave = (): void => setIn(false);
    manager.events.addUserUnloaded(leave);
    return () => manager.events.removeUserUnloaded(leave);
  }, []);
  const fetchAccessToken = useCallback(async ({ forceRefreshToken }: { forceRefreshToken: boolean }) => {
    const user = forceRefreshToken ? await manager.signinSilent().catch(() => null) : await manager.getUser();
    return user?.id_token ?? null;
  }, []);
  return { isLoading: isIn === undefined, isAuthenticated: isIn === true, fetchAccessToken };
}

function Page() {
  const { isLoading, isAuthenticated } = useConvexAuth();
  const visit = useMutation(anyApi["users"]!["visit"]!);
  const me = useQuery(anyApi["users"]!["me"]!, {});
  const visits = useQuery(anyApi["users"]!["visits"]!, {});
  return (
    <main>
      <p role="status">{isLoading ? "Loading" : isAuthenticated ? "In" : "Out"}</p>
      <p data-testid="me">{me?.email ?? "nobody"}</p>
      <p data-testid="visits">{visits?.join()}</p>
      <button onClick={() => void manager.signinRedirect()}>Log in</button>
      <button onClick={() => void visit()}>Visit</button>
      <button onClick={() => void manager.removeUser()}>Log out</button>
    </main>
  );
}

createRoot(document.getElementById("root")!).render(
  <ConvexProviderWithAuth client={client} useAuth={useProvider}>
    <Page />
  </ConvexProviderWithAuth>,
);
