/**
 * The only way to write. It is one statement for the process, so its lock outlives neither, whatever becomes of the process. The
 * lock of the one row of `clock` gives all commits one order; a batch is validated against the log behind what its process knew,
 * what read something that was touched since is refused, and the rest is applied at once.
 */
import { format, keyBytes, planSettings, raised } from "./format.js";

/** What answers say may take so many bytes: the system buffers them, so nobody who stopped reading keeps the lock. */
const answerBytes = 64_000;

/** How a key of any length is found: keys of an index end at 2,704 bytes. The same in `stored-key.ts`. */
const head = (key: string): string => `substr(${key}, 1, ${keyBytes})`;
const more = (key: string): string =>
  `CASE WHEN octet_length(${key}) > ${keyBytes} THEN sha256(${key}) ELSE ''::bytea END`;

const stampKey = "overlay(write_keys[w] PLACING stamp FROM stamp_offsets[i] + 1 FOR 8)";
const littleEndian = [8, 7, 6, 5, 4, 3, 2, 1].map((at) => `substr(stamp, ${at}, 1)`).join(" || ");
const stampValue = `overlay(write_values[w] PLACING convert_to(encode(${littleEndian}, 'base64'), 'UTF8')
            FROM stamp_offsets[i] + 1 FOR 12)`;

/** @param schema Quoted. @param channel Whom commits are told to, quoted as text. */
export function commitFunction(schema: string, channel: string): string {
  return `
CREATE FUNCTION ${schema}.commit_${format}(
  p_batch uuid, p_known bigint, p_known_batch uuid, p_synchronous text,
  read_keys bytea[], read_of int[], range_starts bytea[], range_ends bytea[], range_of int[],
  dependants int[], dependencies int[],
  write_keys bytea[], write_values bytea[], write_of int[],
  stamp_writes int[], stamp_parts int[], stamp_offsets int[],
  add_keys bytea[], add_places int[], add_by bigint[], add_of int[],
  touched_keys bytea[], touched_of int[], bodies bytea[]
) RETURNS TABLE (r_kind int, r_version bigint, r_first bigint, r_batch uuid, r_refused int[], r_body text)
LANGUAGE plpgsql ${planSettings} SET lock_timeout = '4s' AS $commit$
DECLARE
  last bigint; last_batch uuid; oldest bigint; moved text;
  v bigint; first bigint; refused int[] := '{}'; accepted int; missed_bytes bigint := 0; is_told boolean := true;
  w int; stamp bytea; final_keys bytea[]; final_values bytea[];
BEGIN
  IF p_synchronous IS NOT NULL THEN PERFORM set_config('synchronous_commit', p_synchronous, true); END IF;
  SELECT c.version, c.batch, c.horizon, c.moved_to INTO last, last_batch, oldest, moved
    FROM ${schema}.clock c WHERE c.id = 1 FOR UPDATE;
  -- Sent again after a lost connection: it has happened.
  SELECT l.version, l.first, l.refused INTO v, first, refused FROM ${schema}.log l WHERE l.batch = p_batch;
  IF FOUND THEN
    RETURN QUERY SELECT 2, v, first, p_batch, refused, NULL::text;
    RETURN;
  END IF;
  refused := '{}';
  IF moved IS NOT NULL THEN RAISE EXCEPTION USING ERRCODE = '${raised.moved}', MESSAGE = moved; END IF;
  IF p_known < oldest THEN RAISE EXCEPTION USING ERRCODE = '${raised.tooOld}'; END IF;
  IF last = p_known THEN
    IF last_batch <> p_known_batch THEN RAISE EXCEPTION USING ERRCODE = '${raised.wentBack}'; END IF;
${validation(schema)}
  accepted := cardinality(bodies) - cardinality(refused);
  IF accepted = 0 THEN
    RETURN QUERY SELECT CASE WHEN is_told THEN 1 ELSE 2 END, last, NULL::bigint, p_batch, refused, NULL::text;
    RETURN;
  END IF;
  first := greatest(last + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
  v := first + accepted - 1;
${finalWrites(schema)}
${application(schema)}
  INSERT INTO ${schema}.log (version, first, batch, refused, keys, body) VALUES (
    v, first, p_batch, refused, final_keys || touched_keys,
    (SELECT string_agg(b.body, ''::bytea ORDER BY b.o) FROM unnest(bodies) WITH ORDINALITY AS b(body, o)
      WHERE NOT (b.o - 1)::int = ANY (refused))
  );
  UPDATE ${schema}.clock SET version = v, batch = p_batch WHERE id = 1;
  PERFORM pg_notify(${channel}, '');
  RETURN QUERY SELECT CASE WHEN is_told THEN 1 ELSE 2 END, v, first, p_batch, refused, NULL::text;
END $commit$`;
}

/** What others committed behind what is known, against what was read; and what is to be told of it. */
function validation(schema: string): string {
  return `  ELSE
    IF NOT EXISTS (
      SELECT FROM ${schema}.log l WHERE l.version = p_known AND l.batch = p_known_batch
    ) THEN RAISE EXCEPTION USING ERRCODE = '${raised.wentBack}'; END IF;
    SELECT coalesce(array_agg(DISTINCT x.m), '{}') INTO refused FROM (
      WITH t AS MATERIALIZED (SELECT unnest(l.keys) AS k FROM ${schema}.log l WHERE l.version > p_known)
      SELECT r.m FROM t JOIN unnest(read_keys, read_of) AS r(k, m) ON r.k = t.k
      UNION ALL
      SELECT g.m FROM t JOIN unnest(range_starts, range_ends, range_of) AS g(s, e, m) ON t.k >= g.s AND t.k < g.e
    ) x;
    IF refused <> '{}' THEN
      FOR i IN 1 .. cardinality(dependants) LOOP
        IF dependencies[i] = ANY (refused) AND NOT dependants[i] = ANY (refused) THEN refused := refused || dependants[i]; END IF;
      END LOOP;
    END IF;
    -- As much of what the process has not heard of as cannot fill the socket; otherwise it asks.
    SELECT sum(octet_length(l.body) + 64) INTO missed_bytes FROM ${schema}.log l WHERE l.version > p_known;
    is_told := missed_bytes < ${answerBytes};
    IF is_told THEN
      RETURN QUERY SELECT 0, l.version, l.first, l.batch, NULL::int[], encode(l.body, 'hex') FROM ${schema}.log l
        WHERE l.version > p_known ORDER BY l.version;
    END IF;
  END IF;`;
}

/** The last write of each key of what is accepted, and the sums: `final_keys` and `final_values`. */
function finalWrites(schema: string): string {
  return `  IF cardinality(stamp_writes) > 0 THEN
    FOR i IN 1 .. cardinality(stamp_writes) LOOP
      w := stamp_writes[i] + 1;
      stamp := int8send((first + write_of[w] - (SELECT count(*) FROM unnest(refused) AS r(m) WHERE r.m < write_of[w])) * 1000);
      IF stamp_parts[i] = 0 THEN write_keys[w] := ${stampKey};
      ELSE write_values[w] := ${stampValue};
      END IF;
    END LOOP;
  END IF;
  IF refused <> '{}' THEN
    SELECT coalesce(array_agg(u.k ORDER BY u.o), '{}'), coalesce(array_agg(u.val ORDER BY u.o), '{}') INTO write_keys, write_values
      FROM unnest(write_keys, write_values, write_of) WITH ORDINALITY AS u(k, val, m, o) WHERE NOT u.m = ANY (refused);
    SELECT coalesce(array_agg(u.k), '{}') INTO touched_keys
      FROM unnest(touched_keys, touched_of) AS u(k, m) WHERE NOT u.m = ANY (refused);
  END IF;
  -- The last write of each key, then sums: no key is both written and added to in a batch.
  SELECT coalesce(array_agg(u.k), '{}'), coalesce(array_agg(u.val), '{}') INTO final_keys, final_values FROM (
    SELECT DISTINCT ON (x.k) x.k, x.val FROM unnest(write_keys, write_values) WITH ORDINALITY AS x(k, val, o) ORDER BY x.k, x.o DESC
  ) u;
  IF cardinality(add_keys) > 0 THEN
    SELECT final_keys || array_agg(s.k), final_values || array_agg(convert_to(s.numbers, 'UTF8'))
      INTO final_keys, final_values FROM (
      SELECT t.k, string_agg(t.n::text, ',' ORDER BY t.i) AS numbers FROM (
        SELECT a.k, a.i, a.n + coalesce((string_to_array(convert_from(e.value, 'UTF8'), ','))[a.i + 1]::numeric, 0) AS n FROM (
          SELECT u.k, u.i, sum(u.n) AS n FROM unnest(add_keys, add_places, add_by, add_of) AS u(k, i, n, m)
            WHERE NOT u.m = ANY (refused) GROUP BY u.k, u.i
        ) a LEFT JOIN ${schema}.entries e ON e.key = ${head("a.k")} AND e.more = ${more("a.k")}
      ) t GROUP BY t.k
    ) s;
  END IF;`;
}

/** Keeps what is about to go, and puts what is true from now on. */
function application(schema: string): string {
  return `  INSERT INTO ${schema}.history (key, more, rest, began, ended, value)
    SELECT e.key, e.more, e.rest, e.version, v, e.value FROM unnest(final_keys) AS u(k)
      JOIN ${schema}.entries e ON e.key = ${head("u.k")} AND e.more = ${more("u.k")};
  IF array_position(final_values, NULL) IS NOT NULL THEN
    DELETE FROM ${schema}.entries e USING unnest(final_keys, final_values) AS u(k, val)
      WHERE u.val IS NULL AND e.key = ${head("u.k")} AND e.more = ${more("u.k")};
  END IF;
  INSERT INTO ${schema}.entries AS e (key, more, rest, version, value)
    SELECT ${head("u.k")}, ${more("u.k")}, CASE WHEN octet_length(u.k) > ${keyBytes} THEN substr(u.k, ${keyBytes} + 1) END, v, u.val
      FROM unnest(final_keys, final_values) AS u(k, val) WHERE u.val IS NOT NULL
    ON CONFLICT (key, more) DO UPDATE SET version = excluded.version, value = excluded.value;`;
}
