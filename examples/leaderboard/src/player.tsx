import { useAuthActions } from "@convex-dev/auth/react";
import { useConvexConnectionState, useMutation, useQuery } from "convex/react";
import { api } from "../convex/_generated/api";

export function Player() {
  const { signOut } = useAuthActions();
  const { isWebSocketConnected, inflightMutations } = useConvexConnectionState();
  const roll = useMutation(api.game.roll);
  const mine = useQuery(api.game.mine);
  return (
    <section>
      <button onClick={() => void roll()}>Throw</button>
      <button className="quiet" onClick={() => void signOut()}>
        Sign out
      </button>
      {mine && (
        <p>
          Your best is <b>{mine.points}</b>, rank <b data-testid="rank">{mine.rank}</b>.
        </p>
      )}
      {!isWebSocketConnected && (
        <p role="status">
          Offline. {inflightMutations} of your throws are kept, and sent when the server is back.
        </p>
      )}
    </section>
  );
}
