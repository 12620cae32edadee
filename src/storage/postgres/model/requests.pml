/*
 * Requests: a client's mutations run exactly once and in their order, though its servers die and its connections are cut.
 *
 * A client sends its requests over one connection after another, to whichever server. What has not been answered is sent again over
 * the next one, while the server before may still be at it. A server runs the requests of a connection one by one; a mutation
 * writes the row of its request in its own transaction, and reads it first at the place where its server's feed stands. A server
 * that dies leaves the batch that it had sent: the database may carry it out later, or never, and more than once.
 *
 * Checked: each request takes effect once and in order (`carryOut`), and one that was answered has taken effect.
 */
#ifndef CONNECTIONS
#define CONNECTIONS 3
#endif
#define REQUESTS 2
#define BIT(i) (1 << (i))

/* The database: which requests have their row, and which batches are in the log. */
byte rows; bool inLog[CONNECTIONS * 4];
/* For what is checked only: what took effect. */
byte effects[REQUESTS]; byte answered;

/* The connection that the client has, and the server of each. Servers 0 and 1 know what their feed has brought. */
byte current; byte knownRows[2];

/* A connection's run on a server. It may end at any point: the server died, or the client went elsewhere. */
proctype connection(byte number; byte at) {
  byte request; byte began; byte batch = number * 4;
  bool isSent; bool isAnswered; bool isRefused;
end:
  do
  :: d_step { !isSent && request < REQUESTS && !(answered & BIT(request)) ->
      began = knownRows[at];
      if
      :: began & BIT(request) -> request++
      :: else -> isSent = true
      fi
    }
  :: d_step { !isSent && request < REQUESTS && (answered & BIT(request)) -> request++ }
  :: d_step {
      /* The database carries it out, if it has not yet. */
      isSent ->
      if
      :: inLog[batch] -> isRefused = false
#ifndef REQUEST_NOT_READ
      :: !inLog[batch] && (rows & BIT(request)) && !(began & BIT(request)) -> isRefused = true
#endif
      :: else ->
        inLog[batch] = true; isRefused = false;
        rows = rows | BIT(request);
        effects[request]++;
        assert(effects[request] == 1 && (request == 0 || effects[0] == 1))
      fi;
      isAnswered = true
    }
  :: d_step {
      isAnswered && (rows & ~knownRows[at]) == 0 ->
      isAnswered = false; isSent = false; began = 0;
      if
      :: isRefused
      :: else ->
        batch++;
        assert(effects[request] == 1);
        if
        :: number == current -> answered = answered | BIT(request)
        :: else
        fi;
        request++
      fi;
      isRefused = false
    }
  :: d_step { knownRows[at] != rows -> knownRows[at] = rows }
  od
}

proctype client() {
  byte next = 1;
  run connection(0, 0);
  do
  :: next < CONNECTIONS && answered != 3 ->
    atomic {
      current = next;
      if
      :: run connection(next, 0)
      :: run connection(next, 1)
      fi;
      next++
    }
  :: break
  od
}

init { run client() }
