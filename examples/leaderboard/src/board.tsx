import { useQuery } from "convex/react";
import { api } from "../convex/_generated/api";

export function Board() {
  const board = useQuery(api.game.board);
  if (board === undefined) return <main aria-busy="true" />;
  const most = Math.max(1, ...board.spread.map(({ count }) => count));
  return (
    <main>
      <p>
        <b data-testid="count">{board.count}</b> throws, <b data-testid="sum">{board.sum}</b> points
      </p>
      <figure>
        {board.spread.map(({ points, count }) => (
          <div key={points} title={`${count} throws of ${points} points`}>
            <i style={{ height: `${(100 * count) / most}%` }} />
            <small>{points}</small>
          </div>
        ))}
      </figure>
      <ol>
        {board.best.map(({ id, name, points }) => (
          <li key={id}>
            <b>{points}</b> {name}
          </li>
        ))}
      </ol>
    </main>
  );
}
