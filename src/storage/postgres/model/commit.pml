/*
 * Commits: batches, speculation, resends after a lost answer, the feed, and the caches that live by it.
 *
 * Two servers run mutations on one database. A mutation reads at the place where its server's feed stands, and sees what that
 * server handed over before and the feed has not brought yet. The database carries out batches one after another; their answers
 * may be lost, and then the same batch is sent again. What is checked stands where it can be seen: at a mutation's place in the
 * order (`place`), when a client is told (`tell`), where the feed brings a commit (`bring`), and at the end of a query.
 *
 * A value is the attempt that wrote it, so reading what a refused attempt wrote is not the same as reading what its successor did.
 * Read next: README.md, which says what each name after -D leaves out.
 */
#ifndef MUTATIONS
#define MUTATIONS 3
#endif
/* So many mutations are the first server's, and the others the second's. */
#ifndef FIRST
#define FIRST (MUTATIONS - 1)
#endif
#define HOME(m) ((m) / FIRST)
#define VERSIONS (MUTATIONS + 1)
#define BIT(i) (1 << (i))
#define HAS(set, i) (((set) >> (i)) & 1)
#define AT(v, k) past[(v) * 2 + (k)]
#define SLOT(s, k) ((s) * 2 + (k))
#define VALUE(m) ((m) * 4 + attempt[m] + 1)

mtype = { running, handed, sent, settled, refused, told };

/* What a mutation does: the keys that it gets, whether it scans both, and the key that it writes. */
byte keys[MUTATIONS]; bool scans[MUTATIONS]; byte writes[MUTATIONS];
#define READS(m) (scans[m] -> 3 : keys[m])

/* The database: what was true at each version, and the log. */
byte version; byte past[VERSIONS * 2];
byte logTouched[VERSIONS]; byte logBatch[VERSIONS]; byte logSet[VERSIONS]; byte logRefused[VERSIONS];
/* How often each mutation was committed: for what is checked only. */
byte commits[MUTATIONS]; byte lastTold;

/* The mutations of a server. */
mtype state[MUTATIONS]; byte attempt[MUTATIONS];
byte began[MUTATIONS];  /* The version that it reads at. */
byte seen[MUTATIONS];   /* What had been handed over before it began, and had not been brought. */
byte lost[MUTATIONS];   /* What of that was refused since. */
byte saw[MUTATIONS * 2];
byte needs[MUTATIONS];  /* Whose writes it has read. */
byte after[MUTATIONS];  /* What waits before it in its server's order. */

/* The servers. */
byte feed[2]; byte watched[4];
bool cached[4]; byte cacheValue[4]; byte cacheFrom[4]; byte floor[4];
byte waiting[2]; bool isSent[2]; byte batch[2]; byte batchSet[2]; byte known[2];
bool isAnswered[2]; byte answerRefused[2]; byte answerVersion[2];
byte resumes[2];        /* What was refused runs again when the feed has brought this version, which the answer named. */

/* Scratch, always zero between steps. */
hidden byte i, j, m, v, bad, since, rest, found, value;

/* Whether it was handed over and the feed has not brought it. */
#define PENDING(m) (state[m] == handed || state[m] == sent || state[m] == settled)

/* Ends an attempt, and those of the same server that read what it wrote. */
inline refuse(which) {
  bad = which;
  i = 0;
  do
  :: i < MUTATIONS ->
    m = 0;
    do
    :: m < MUTATIONS ->
      if
      :: state[m] == handed && (needs[m] & bad) -> bad = bad | BIT(m)
      :: else
      fi;
      m++
    :: else -> break
    od;
    i++
  :: else -> break
  od;
  m = 0;
  do
  :: m < MUTATIONS ->
    if
    :: HAS(bad, m) ->
      assert(commits[m] == 0);
      if
      :: state[m] == handed -> waiting[HOME(m)]--
      :: else
      fi;
      state[m] = refused; after[m] = 0; needs[m] = 0;
      saw[SLOT(m, 0)] = 0; saw[SLOT(m, 1)] = 0
    :: else ->
      after[m] = after[m] & ~bad;
      if
      :: state[m] == running -> lost[m] = lost[m] | (seen[m] & bad)
      :: else
      fi
    fi;
    m++
  :: else -> break
  od;
  i = 0; m = 0; bad = 0
}

/* What the cache holds, or the database as of this version; the answer is kept when nothing touched it meanwhile. */
inline look(s, k, at, into) {
  if
  :: cached[SLOT(s, k)] && cacheFrom[SLOT(s, k)] <= at -> into = cacheValue[SLOT(s, k)]
  :: else ->
    into = AT(at, k);
    if
#ifdef CACHES_WHAT_WAS_TOUCHED
    :: !cached[SLOT(s, k)] ->
#else
    :: !cached[SLOT(s, k)] && floor[SLOT(s, k)] <= at ->
#endif
      v = at;
      do
      :: v > 0 && !HAS(logTouched[v], k) -> v--
      :: else -> break
      od;
      cached[SLOT(s, k)] = true; cacheValue[SLOT(s, k)] = into; cacheFrom[SLOT(s, k)] = v; v = 0
    :: else
    fi
  fi
}

/* What a mutation gets: the last write that it sees of those waiting, else what is committed. Scans pass the cache by. */
inline get(me, k) {
  found = 0; rest = 0; j = 0;
  do
  :: j < MUTATIONS ->
    if
    :: HAS(seen[me], j) && writes[j] == k && (!rest || HAS(after[j], rest - 1)) -> rest = j + 1
    :: else
    fi;
    j++
  :: else -> break
  od;
  if
  :: rest -> saw[SLOT(me, k)] = VALUE(rest - 1)
  :: !rest && scans[me] -> saw[SLOT(me, k)] = AT(began[me], k)
#ifdef CACHES
  :: else -> look(HOME(me), k, began[me], saw[SLOT(me, k)])
#else
  :: else -> saw[SLOT(me, k)] = AT(began[me], k)
#endif
  fi;
  rest = 0; j = 0
}

/* Whether what it read has been overtaken as far as its server knows: refused at once, without a question. */
inline overtaken(me) {
  bad = 0;
  v = began[me] + 1;
  do
  :: v <= feed[HOME(me)] ->
    if
    :: (logBatch[v] & 1) != HOME(me) -> bad = bad | (logTouched[v] & READS(me))
    :: else
    fi;
    v++
  :: else -> break
  od;
  j = 0;
  do
  :: j < MUTATIONS ->
    if
    :: j != me && HOME(j) == HOME(me) && (READS(me) & BIT(writes[j])) ->
      if
      :: HAS(lost[me], j) -> bad = 1
      :: !HAS(seen[me], j) && PENDING(j) -> bad = 1
      :: !HAS(seen[me], j) && commits[j] ->
        v = began[me] + 1;
        do
        :: v <= feed[HOME(me)] ->
          if
          :: HAS(logSet[v], j) -> bad = 1
          :: else
          fi;
          v++
        :: else -> break
        od
      :: else
      fi
    :: else
    fi;
    j++
  :: else -> break
  od;
  j = 0; v = 0
}

inline handOver(me) {
  seen[me] = seen[me] & ~lost[me];
  j = 0;
  do
  :: j < MUTATIONS ->
    if
    :: j != me && HOME(j) == HOME(me) && PENDING(j) ->
      after[me] = after[me] | BIT(j);
      if
      :: HAS(seen[me], j) && (READS(me) & BIT(writes[j])) -> needs[me] = needs[me] | BIT(j)
      :: else
      fi
    :: else
    fi;
    j++
  :: else -> break
  od;
  j = 0; seen[me] = 0; lost[me] = 0; began[me] = 0; attempt[me] = (attempt[me] + 1) % 4; state[me] = handed; waiting[HOME(me)]++
}

proctype mutation(byte me) {
  do
  :: d_step {
      !resumes[HOME(me)] -> state[me] = running; began[me] = feed[HOME(me)];
      j = 0;
      do
      :: j < MUTATIONS ->
        if
        :: HOME(j) == HOME(me) && PENDING(j) -> seen[me] = seen[me] | BIT(j)
        :: else
        fi;
        j++
      :: else -> break
      od;
      j = 0
    }
    if
    :: READS(me) -> d_step {
        if
        :: READS(me) & 1 -> get(me, 0)
        :: else
        fi;
        if
        :: READS(me) & 2 -> get(me, 1)
        :: else
        fi
      }
    :: else
    fi;
    d_step {
      overtaken(me);
      if
      :: bad -> bad = 0; state[me] = refused; seen[me] = 0; lost[me] = 0; began[me] = 0; saw[SLOT(me, 0)] = 0; saw[SLOT(me, 1)] = 0
      :: else -> handOver(me)
      fi
    }
    if
    :: state[me] == refused
    :: state[me] == told -> break
    fi
  od;
}

/* A mutation's place in the order: what it read must be what is there. */
inline place(s, me) {
  assert(commits[me] == 0);
  commits[me]++;
  if
  :: READS(me) & 1 -> assert(saw[SLOT(me, 0)] == AT(version, 0))
  :: else
  fi;
  if
  :: READS(me) & 2 -> assert(saw[SLOT(me, 1)] == AT(version, 1))
  :: else
  fi;
  AT(version, writes[me]) = VALUE(me);
  logTouched[version] = logTouched[version] | BIT(writes[me])
}

/* The database carries out a batch. */
inline carryOut(s) {
  found = 0; since = 0; bad = 0;
  v = 1;
  do
  :: v <= version ->
    if
#ifndef IGNORES_BATCH
    :: logBatch[v] == batch[s] -> found = v
#endif
    :: else
    fi;
    if
    :: v > known[s] -> since = since | logTouched[v]
    :: else
    fi;
    v++
  :: else -> break
  od;
  v = 0;
  if
  :: found ->
#ifndef FORGETS_REFUSED
    bad = logRefused[found]
#endif
  :: else ->
    i = 0;
    do
    :: i < MUTATIONS ->
      m = 0;
      do
      :: m < MUTATIONS ->
        if
        :: !HAS(batchSet[s], m)
#ifndef VALIDATES_NOTHING
        :: HAS(batchSet[s], m) && !scans[m] && (keys[m] & since) -> bad = bad | BIT(m)
#ifndef VALIDATES_NO_RANGES
        :: HAS(batchSet[s], m) && scans[m] && since -> bad = bad | BIT(m)
#endif
#endif
#ifndef FORGETS_DEPENDENCIES
        :: HAS(batchSet[s], m) && (needs[m] & bad) -> bad = bad | BIT(m)
#endif
        :: else
        fi;
        m++
      :: else -> break
      od;
      i++
    :: else -> break
    od;
    rest = batchSet[s] & ~bad;
    if
    :: rest ->
      version++;
      AT(version, 0) = AT(version - 1, 0); AT(version, 1) = AT(version - 1, 1);
      logBatch[version] = batch[s]; logSet[version] = rest; logRefused[version] = bad;
      do
      :: rest ->
        m = 0;
        do
        :: !HAS(rest, m) || (after[m] & rest) -> m++
        :: else -> break
        od;
        place(s, m);
        rest = rest & ~BIT(m)
      :: else -> break
      od
    :: else
    fi
  fi;
  answerVersion[s] = (found -> found : version);
  answerRefused[s] = bad;
  isAnswered[s] = true;
  i = 0; m = 0; bad = 0; since = 0; found = 0; rest = 0
}

/* What a server does when its batch is answered: what stands is told only after the feed has brought it. */
inline answered(s) {
  isAnswered[s] = false;
  m = 0;
  do
  :: m < MUTATIONS ->
    if
    :: HAS(batchSet[s], m) && !HAS(answerRefused[s], m) ->
      assert(commits[m] == 1);
#ifdef KEEPS_PENDING
      state[m] = told; isSent[s] = false; known[s] = 0
#else
      state[m] = settled
#endif
    :: else
    fi;
    m++
  :: else -> break
  od;
  if
  :: answerRefused[s] && feed[s] < answerVersion[s] -> resumes[s] = answerVersion[s]
  :: else
  fi;
  if
  :: batchSet[s] == answerRefused[s] -> isSent[s] = false; known[s] = 0
  :: else
  fi;
  batchSet[s] = 0;
  found = answerRefused[s]; answerRefused[s] = 0; answerVersion[s] = 0;
  refuse(found); found = 0
}

/* The feed of a server brings the next commit. */
inline bring(s) {
  feed[s]++;
  v = feed[s];
#ifdef FEED_SKIPS
  if
  :: (logBatch[v] & 1) != s && v < version -> feed[s]++; v = feed[s]
  :: else
  fi;
#endif
  j = 0;
  do
  :: j < 2 ->
    if
    :: HAS(logTouched[v], j) ->
      watched[SLOT(s, j)] = AT(v, j);
#ifdef CACHES
      floor[SLOT(s, j)] = v;
#endif
#ifndef CACHE_KEEPS_TOUCHED
      if
      :: cached[SLOT(s, j)] -> cacheValue[SLOT(s, j)] = AT(v, j); cacheFrom[SLOT(s, j)] = v
      :: else
      fi
#endif
    :: else
    fi;
    j++
  :: else -> break
  od;
  if
  :: feed[s] >= resumes[s] -> resumes[s] = 0
  :: else
  fi;
  /* Who follows the feed knows what is true. */
  assert(watched[SLOT(s, 0)] == AT(v, 0) && watched[SLOT(s, 1)] == AT(v, 1));
  j = 0; found = 0;
  if
  :: (logBatch[v] & 1) == s ->
#ifndef KEEPS_PENDING
    do
    :: j < MUTATIONS ->
      if
      :: HAS(logSet[v], j) -> assert(commits[j] == 1); state[j] = told; lastTold = v
      :: else
      fi;
      needs[j] = needs[j] & ~logSet[v];
      j++
    :: else -> break
    od;
    /* It answers the batch too, when the answer was lost. */
    found = batchSet[s] & logRefused[v];
    isSent[s] = false; isAnswered[s] = false; known[s] = 0; batchSet[s] = 0; answerRefused[s] = 0; answerVersion[s] = 0
#endif
  :: else ->
    do
    :: j < MUTATIONS ->
      if
      :: state[j] == handed && HOME(j) == s && (READS(j) & logTouched[v]) -> found = found | BIT(j)
      :: else
      fi;
      j++
    :: else -> break
    od
  fi;
  j = 0; v = 0;
  refuse(found); found = 0
}

inline send(s) {
  batch[s] = batch[s] + 2; known[s] = feed[s]; isSent[s] = true;
  m = 0;
  do
  :: m < MUTATIONS ->
    if
    :: state[m] == handed && HOME(m) == s -> batchSet[s] = batchSet[s] | BIT(m); state[m] = sent; waiting[s]--
    :: else
    fi;
    m++
  :: else -> break
  od;
  m = 0
}

#ifdef QUERIES
/* A query reads both keys at one version, which is no older than what any client was told before it came. */
proctype query(byte s) {
  byte atLeast; byte at; byte x; byte y;
  d_step { atLeast = lastTold }
  d_step { at = version }
  d_step { feed[s] >= at -> at = feed[s] }
  d_step { look(s, 0, at, x) }
  d_step { look(s, 1, at, y); assert(x == AT(at, 0) && y == AT(at, 1) && at >= atLeast); atLeast = 0; x = 0; y = 0; at = 0 }
}
#endif

proctype server(byte s) {
end:
  do
  :: d_step { feed[s] < version -> bring(s) }
  :: d_step { isAnswered[s] -> answered(s) }
  :: d_step { !isSent[s] && waiting[s] -> send(s) }
  od
}

/* The database and the connections to it: a batch may be carried out again as long as its server has no answer. */
proctype database() {
end:
  do
  :: d_step { isSent[0] && batchSet[0] -> carryOut(0) }
  :: d_step { isSent[1] && batchSet[1] -> carryOut(1) }
  od
}

init {
  atomic {
    batch[1] = 1;
    byte each = 0;
    do
    :: each < MUTATIONS ->
      state[each] = refused;
      if
      :: keys[each] = 1; writes[each] = 0
#ifndef FEW
      :: keys[each] = 1; writes[each] = 1
      :: keys[each] = 2; writes[each] = 0
#endif
      :: scans[each] = true; writes[each] = 0
      fi;
      run mutation(each);
      each++
    :: else -> break
    od;
    each = 0;
#ifdef QUERIES
    run query(0); run query(1);
#endif
    run server(0); run server(1); run database()
  }
}
