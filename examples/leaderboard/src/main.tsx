import { ConvexAuthProvider } from "@convex-dev/auth/react";
import { Authenticated, AuthLoading, ConvexReactClient, Unauthenticated } from "convex/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Board } from "./board";
import { Player } from "./player";
import { SignIn } from "./sign-in";
import "./style.css";

const convex = new ConvexReactClient(import.meta.env.VITE_CONVEX_URL);

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <ConvexAuthProvider client={convex}>
      <header>
        <h1>Five dice</h1>
        <AuthLoading>…</AuthLoading>
        <Unauthenticated>
          <SignIn />
        </Unauthenticated>
        <Authenticated>
          <Player />
        </Authenticated>
      </header>
      <Board />
    </ConvexAuthProvider>
  </StrictMode>,
);
