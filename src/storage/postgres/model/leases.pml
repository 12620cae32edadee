/*
 * Leases: who does work that one process at a time may do, without comparing clocks.
 *
 * A lease is two entries, the term (a number that rises, and who owns it) and the beat. Any process may find at any time that the
 * owner has not been heard of, and write the next term: how long it waits for that changes nothing here. An owner may sleep at any
 * point for as long as it likes, that is, others take any number of steps between two of its own. Its feed may lag.
 *
 * The work is a chain of pieces, of which each goes on where the one before it stopped, and a job that acts outside of the database.
 * Checked: who commits work owns the newest term at that moment, and works under it (`commit`); the job's action is begun at most
 * once, and nothing is said of the job after it was ended.
 */
#ifndef TERMS
#define TERMS 3
#endif
#ifndef PROCESSES
#define PROCESSES 2
#endif
#define PIECES 2
#define NOBODY PROCESSES
#define termKey 1
#define beatKey 2
#define workKey 4
#define jobKey 8
#ifdef TERM_NOT_READ
#define ofOwner 0
#else
#define ofOwner termKey
#endif

mtype = { waiting, started, finished, interrupted };
mtype = { takesOver, givesUp, beats, works, startsJob, endsJob, interruptsJob };

byte term; byte owner[TERMS + 1]; byte work; mtype job = waiting; byte jobTerm;
/* For what is checked only. */
byte begun;

/* What a process knows from its feed, and which keys were touched since. */
byte knownTerm[PROCESSES]; byte knownWork[PROCESSES]; mtype knownJob[PROCESSES]; byte knownJobTerm[PROCESSES]; byte behind[PROCESSES];
/* The transaction of a process: what it is to do, what it read, and which keys were touched since it began. */
bool isOpen[PROCESSES]; mtype intent[PROCESSES]; byte reads[PROCESSES]; byte overtaken[PROCESSES];
byte readTerm[PROCESSES]; byte readWork[PROCESSES];

hidden byte each;

inline touch(key) {
  each = 0;
  do
  :: each < PROCESSES -> behind[each] = behind[each] | (key); overtaken[each] = (isOpen[each] -> overtaken[each] | (key) : 0); each++
  :: else -> break
  od;
  each = 0
}

inline begin(what, keys) {
  isOpen[me] = true; intent[me] = what; reads[me] = keys; overtaken[me] = behind[me];
  readTerm[me] = knownTerm[me]; readWork[me] = knownWork[me]
}

/* The database refuses a transaction that read what was touched since, and carries out any other. */
inline commit() {
  isOpen[me] = false;
  if
  :: overtaken[me] & reads[me]
  :: else ->
    if
    :: intent[me] == takesOver -> term++; owner[term] = me; touch(termKey)
    :: intent[me] == givesUp -> assert(owner[term] == me); owner[term] = NOBODY; touch(termKey)
    :: else ->
      assert(term == readTerm[me] && owner[term] == me);
      if
      :: intent[me] == beats -> touch(beatKey)
      :: intent[me] == works -> assert(work == readWork[me]); work++; touch(workKey)
      :: intent[me] == startsJob -> assert(job == waiting); job = started; jobTerm = readTerm[me]; touch(jobKey)
      :: intent[me] == interruptsJob -> assert(job == started && jobTerm < term); job = interrupted; touch(jobKey)
      :: intent[me] == endsJob -> assert(job == started && jobTerm == readTerm[me]); job = finished; touch(jobKey)
      fi
    fi
  fi;
  overtaken[me] = 0; reads[me] = 0; readTerm[me] = 0; readWork[me] = 0; intent[me] = 0
}

#define OWNS (owner[knownTerm[me]] == me)

proctype process(byte me) {
  /* The term under which it has begun the job's action. */
  byte acts;
end:
  do
  :: d_step {
      behind[me] -> behind[me] = 0;
      knownTerm[me] = term; knownWork[me] = work; knownJob[me] = job; knownJobTerm[me] = jobTerm
    }
  :: d_step { isOpen[me] -> commit() }
  :: d_step { !isOpen[me] && !OWNS && knownTerm[me] < TERMS -> begin(takesOver, termKey | beatKey) }
  :: d_step { !isOpen[me] && OWNS -> begin(beats, ofOwner) }
  :: d_step { !isOpen[me] && OWNS -> begin(givesUp, termKey) }
  :: d_step { !isOpen[me] && OWNS && knownWork[me] < PIECES -> begin(works, ofOwner | workKey) }
  :: d_step { !isOpen[me] && OWNS && knownJob[me] == waiting -> begin(startsJob, ofOwner | jobKey) }
  :: d_step {
      !isOpen[me] && OWNS && knownJob[me] == started && knownJobTerm[me] == knownTerm[me] && !acts ->
      acts = knownJobTerm[me]; begun++; assert(begun == 1)
    }
  :: d_step { !isOpen[me] && OWNS && knownJob[me] == started && acts == knownTerm[me] -> begin(endsJob, ofOwner | jobKey) }
  :: d_step {
      !isOpen[me] && OWNS && knownJob[me] == started && knownJobTerm[me] < knownTerm[me] -> begin(interruptsJob, ofOwner | jobKey)
    }
  od
}

init {
  atomic {
    owner[0] = NOBODY;
    byte next = 0;
    do
    :: next < PROCESSES -> knownJob[next] = waiting; run process(next); next++
    :: else -> break
    od;
    next = 0
  }
}
