/**
 * The other statements of the storage, as functions in its schema: they are planned once in each session whether or not the
 * session is pooled, and always go by the indexes, however small the tables are at that moment. Their names end with the
 * format, so that processes of two versions of Trueup can share a schema while one replaces the other.
 */
import { format, planSettings, raised } from "./format.js";

/** No more commits and bytes are told in one answer to a feed. */
const commitsTold = 500;
const bytesTold = 4_000_000;

/** Reads use the snapshot of the statement that calls them, so all that one finds is of one moment. */
const readSettings = `STABLE LANGUAGE plpgsql ${planSettings}`;

/** @param schema Quoted. @param channel Whom commits are told to, quoted as text. */
export function functionsOf(schema: string, channel: string): readonly string[] {
  return [
    readFunction(schema),
    scanFunction(schema),
    pollFunction(schema),
    trimFunction(schema),
    resetFunction(schema, channel),
  ];
}

/** Values by the places of their keys among those asked for, as of a version. */
function readFunction(schema: string): string {
  return `
CREATE FUNCTION ${schema}.read_${format}(p_version bigint, p_keys bytea[], p_more bytea[])
RETURNS TABLE (r_place bigint, r_value text) ${readSettings} AS $read$
DECLARE last bigint;
BEGIN
  last := ${schema}.assert_kept_${format}(p_version);
  RETURN QUERY SELECT w.o, encode(e.value, 'hex') FROM unnest(p_keys, p_more) WITH ORDINALITY AS w(key, more, o)
    JOIN ${schema}.entries e ON e.key = w.key AND e.more = w.more WHERE e.version <= p_version;
  IF last > p_version THEN
    RETURN QUERY SELECT w.o, encode(h.value, 'hex') FROM unnest(p_keys, p_more) WITH ORDINALITY AS w(key, more, o)
      JOIN ${schema}.history h ON h.key = w.key AND h.more = w.more AND h.ended > p_version WHERE h.began <= p_version;
  END IF;
END $read$`;
}

/** Entries of a range in its order as of a version: so many, and all others whose keys begin like the last one's. */
function scanFunction(schema: string): string {
  const columns = (row: string): string =>
    `encode(${row}.key, 'hex'), encode(${row}.rest, 'hex'), encode(${row}.value, 'hex')`;
  const scan = (order: "" | "DESC"): string => {
    const first = `ORDER BY x.key ${order} FETCH FIRST (p_limit) ROWS WITH TIES`;
    const within = "x.key >= p_start AND x.key < p_end";
    return `
    IF last > p_version THEN
      RETURN QUERY SELECT ${columns("x")} FROM (
        (SELECT x.key, x.rest, x.value FROM ${schema}.entries x WHERE ${within} AND x.version <= p_version ${first})
        UNION ALL
        (SELECT x.key, x.rest, x.value FROM ${schema}.history x
          WHERE ${within} AND x.ended > p_version AND x.began <= p_version ${first})
      ) x ${first};
    ELSE
      RETURN QUERY SELECT ${columns("x")} FROM ${schema}.entries x WHERE ${within} AND x.version <= p_version ${first};
    END IF;`;
  };
  return `
CREATE FUNCTION ${schema}.scan_${format}(p_version bigint, p_start bytea, p_end bytea, p_limit bigint, p_reverse boolean)
RETURNS TABLE (r_key text, r_rest text, r_value text) ${readSettings} AS $scan$
DECLARE last bigint;
BEGIN
  last := ${schema}.assert_kept_${format}(p_version);
  IF p_reverse THEN ${scan("DESC")}
  ELSE ${scan("")}
  END IF;
END $scan$`;
}

/** The clock, then the commit that the process knows, without its body, and those after it. */
function pollFunction(schema: string): string {
  return `
CREATE FUNCTION ${schema}.poll_${format}(p_known bigint)
RETURNS TABLE (r_version bigint, r_first bigint, r_batch uuid, r_refused int[], r_body text, r_now bigint) ${readSettings} AS $poll$
BEGIN
  RETURN QUERY SELECT c.version, c.horizon, c.batch, NULL::int[], NULL::text,
    (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM ${schema}.clock c;
  RETURN QUERY SELECT x.version, x.first, x.batch, x.refused,
      CASE WHEN x.version > p_known THEN encode(x.body, 'hex') ELSE '' END, NULL::bigint
    FROM (
      SELECT l.*, sum(octet_length(l.body)) OVER (ORDER BY l.version) - octet_length(l.body) AS before
        FROM (SELECT * FROM ${schema}.log WHERE version >= p_known ORDER BY version LIMIT ${commitsTold}) l
    ) x WHERE x.before < ${bytesTold} ORDER BY x.version;
END $poll$`;
}

/**
 * Raises the horizon to what was true so long ago. 0 rows where another process has just done so; otherwise what is older is
 * to be deleted, beside commits.
 */
function trimFunction(schema: string): string {
  return `
CREATE FUNCTION ${schema}.trim_${format}(p_kept_ms bigint, p_pause_ms bigint) RETURNS SETOF bigint
LANGUAGE plpgsql ${planSettings} SET lock_timeout = '1s' AS $trim$
DECLARE oldest bigint;
BEGIN
  UPDATE ${schema}.clock c SET horizon = x.oldest FROM (
    SELECT least(version, ((extract(epoch FROM clock_timestamp()) * 1000)::bigint - p_kept_ms) * 1000) AS oldest FROM ${schema}.clock
  ) x WHERE c.id = 1 AND c.horizon + p_pause_ms * 1000 <= x.oldest RETURNING c.horizon INTO oldest;
  IF oldest IS NOT NULL THEN RETURN NEXT oldest; END IF;
END $trim$`;
}

/** After a failover that lost commits: goes on above all that anybody has seen, and tells everybody to begin anew. */
function resetFunction(schema: string, channel: string): string {
  return `
CREATE FUNCTION ${schema}.reset_${format}(p_batch uuid, p_known bigint, p_body bytea) RETURNS bigint
LANGUAGE plpgsql ${planSettings} SET lock_timeout = '4s' AS $reset$
DECLARE last bigint; v bigint;
BEGIN
  SELECT c.version INTO last FROM ${schema}.clock c WHERE c.id = 1 FOR UPDATE;
  v := greatest(last + 1, p_known + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
  INSERT INTO ${schema}.log (version, first, batch, refused, keys, body) VALUES (v, v, p_batch, '{}', '{}', p_body);
  UPDATE ${schema}.clock SET version = v, batch = p_batch WHERE id = 1;
  PERFORM pg_notify(${channel}, '');
  RETURN v;
END $reset$`;
}

/** The last version, unless what was true at the given one is not kept any more. */
export function assertKeptFunction(schema: string): string {
  return `
CREATE FUNCTION ${schema}.assert_kept_${format}(p_version bigint) RETURNS bigint STABLE LANGUAGE plpgsql AS $kept$
DECLARE last bigint; oldest bigint;
BEGIN
  SELECT c.version, c.horizon INTO last, oldest FROM ${schema}.clock c WHERE c.id = 1;
  IF p_version < oldest THEN RAISE EXCEPTION USING ERRCODE = '${raised.tooOld}'; END IF;
  RETURN last;
END $kept$`;
}
