/*
 * Deploys: announce, build and activate under the head, while servers write.
 *
 * The head names the program, and beside it the push whose indexes and aggregates are being built. A mutation reads the head at its
 * server's feed, waits until the server has loaded what the head names, and writes what that asks for: the document, the program's
 * entry of it, and the entry that is built beside. Two pushes are made at once; either deployer may stop anywhere for good, any
 * process may find that a push does not load, and what a deployer left is abandoned or taken up by whoever has the lease then.
 *
 * Checked: no write is committed under another head than the one that it ran under (`commitWrite`); a push is activated on the base
 * that it was checked against, and whole: its entries equal the documents then and ever after.
 */
#ifndef SERVERS
#define SERVERS 2
#endif
#ifndef PUSHES
#define PUSHES 2
#endif
#define DOCUMENTS 2
#ifndef WRITES
#define WRITES 2
#endif
#define ENTRY(push, d) entries[(push) * DOCUMENTS + (d)]
#define headKey 1
#define leaseKey 2
#define documentKey(d) (4 << (d))
#define entryKey(push, d) (16 << ((push - 1) * DOCUMENTS + (d)))
#define BIT(i) (1 << (i))
#ifdef HEAD_NOT_READ
#define ofWriter 0
#else
#define ofWriter headKey
#endif

/* The database. `generation` rises with each change of the head: it is the head's random token. */
byte program; byte beside; byte generation; byte lease; byte documents[DOCUMENTS]; byte entries[3 * DOCUMENTS];
byte failed;

/* What a server knows from its feed, and which keys were touched since. */
byte knownProgram[SERVERS]; byte knownBeside[SERVERS]; byte knownGeneration[SERVERS]; 
byte behind[SERVERS]; byte loaded[SERVERS];
/* The keys touched since the transaction of a writer or a deployer began. */
bool isOpen[SERVERS + PUSHES]; byte overtaken[SERVERS + PUSHES];

hidden byte each, d;

inline touch(keys) {
  each = 0;
  do
  :: each < SERVERS + PUSHES ->
    if
    :: isOpen[each] -> overtaken[each] = overtaken[each] | (keys)
    :: else
    fi;
    if
    :: each < SERVERS -> behind[each] = behind[each] | (keys)
    :: else
    fi;
    each++
  :: else -> break
  od;
  each = 0
}

inline checkEntries(push) {
  d = 0;
  do
  :: d < DOCUMENTS -> assert(ENTRY(push, d) == documents[d]); d++
  :: else -> break
  od;
  d = 0
}

/* A server: its feed, its loading of code, and one mutation after another. */
proctype server(byte me) {
  byte count; byte document; byte ranProgram; byte ranBeside; byte ranGeneration;
end:
  do
  :: d_step {
      behind[me] -> behind[me] = 0;
      knownProgram[me] = program; knownBeside[me] = beside; knownGeneration[me] = generation
    }
  :: d_step { knownBeside[me] && !(loaded[me] & BIT(knownBeside[me])) -> loaded[me] = loaded[me] | BIT(knownBeside[me]) }
  :: d_step {
      /* It cannot load the push: one commit ends the preparation. */
      knownBeside[me] && !(loaded[me] & BIT(knownBeside[me])) && !(behind[me] & headKey) ->
      failed = failed | BIT(beside); beside = 0; generation++; touch(headKey)
    }
  :: d_step {
      !isOpen[me] && count < WRITES &&
#ifndef WRITES_BEFORE_LOADING
      (!knownBeside[me] || loaded[me] & BIT(knownBeside[me])) &&
#endif
      (!knownProgram[me] || loaded[me] & BIT(knownProgram[me])) ->
      count++; isOpen[me] = true; overtaken[me] = behind[me];
      ranProgram = knownProgram[me]; ranGeneration = knownGeneration[me];
      ranBeside = (loaded[me] & BIT(knownBeside[me]) -> knownBeside[me] : 0);
      document = (count + me) % 2
    }
  :: d_step {
      isOpen[me] -> isOpen[me] = false;
      if
      :: overtaken[me] & (ofWriter | documentKey(document)) -> count--
      :: else ->
        assert(generation == ranGeneration);
        documents[document]++;
        touch(documentKey(document));
        if
        :: ranProgram -> ENTRY(ranProgram, document) = documents[document]; touch(entryKey(ranProgram, document))
        :: else
        fi;
        if
        :: ranBeside -> ENTRY(ranBeside, document) = documents[document]; touch(entryKey(ranBeside, document))
        :: else
        fi;
        if
        :: program -> checkEntries(program)
        :: else
        fi
      fi;
      overtaken[me] = 0; ranProgram = 0; ranBeside = 0; ranGeneration = 0; document = 0
    }
  od
}

#define MINE (SERVERS + push - 1)
#define OPENS isOpen[MINE] = true; overtaken[MINE] = 0
#define ENDS isOpen[MINE] = false; overtaken[MINE] = 0

/* The deployer of a push. It reads what is newest, and each of its transactions may be overtaken before it commits. */
proctype deployer(byte push) {
  byte built; byte value;
  /* It reads the lease, and that nothing is under way. */
end: atomic { lease == push && !beside -> OPENS }
  d_step {
    if
    :: overtaken[MINE] & (headKey | leaseKey) -> built = DOCUMENTS + 1
    :: else -> beside = push; generation++; ENTRY(push, 0) = 0; ENTRY(push, 1) = 0; touch(headKey)
    fi;
    ENDS
  }
  do
  :: built < DOCUMENTS ->
end1: atomic { lease == push && beside == push -> OPENS; value = documents[built] }
    d_step {
      if
      :: overtaken[MINE] & (headKey | leaseKey | documentKey(built) | entryKey(push, built))
      :: else -> ENTRY(push, built) = value; touch(entryKey(push, built)); built++
      fi;
      value = 0;
      ENDS
    }
  :: built == DOCUMENTS ->
#ifdef BASE_NOT_COMPARED
end2: atomic { lease == push -> OPENS }
    d_step {
      if
      :: overtaken[MINE] & leaseKey
#else
end2: atomic { lease == push && beside == push && program == 0 -> OPENS }
    d_step {
      if
      :: overtaken[MINE] & (headKey | leaseKey)
#endif
      :: else ->
        assert(program == 0 && beside == push && !(failed & BIT(push)));
        program = push; beside = 0; generation++; touch(headKey);
        checkEntries(push);
        built++
      fi;
      ENDS
    }
  :: built > DOCUMENTS -> break
  :: break
  od
}

/* The lease passes on, and who has it then abandons what another left. */
proctype others() {
end:
  do
  :: d_step { lease == 1 -> lease = 2; touch(leaseKey) }
  :: d_step { lease == 2 && beside == 1 -> beside = 0; generation++; touch(headKey) }
  od
}

init {
  atomic {
    lease = 1;
    run server(0);
#if SERVERS == 2
    run server(1);
#endif
    run deployer(1);
#if PUSHES == 2
    run deployer(2);
#endif
    run others()
  }
}
