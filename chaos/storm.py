"""Counts every row of a storm's round with DuckDB: storm.py FOLDER.

FOLDER holds spec.json (the sinks and how many rows each topic was given), topics.jsonl (what stands on the topics), letters.jsonl
(dead letters), files.jsonl (what the objects say of themselves), and below files/ the objects.
"""
import json
import pathlib
import sys

import duckdb

folder = pathlib.Path(sys.argv[1])
spec = json.loads((folder / "spec.json").read_text())
db = duckdb.connect()
db.execute("SET threads = 2")
db.execute(f"""
    CREATE TABLE topics AS SELECT * FROM read_json('{folder}/topics.jsonl', columns = {{topic: 'VARCHAR', part: 'INT', off: 'BIGINT', id: 'BIGINT'}});
    CREATE TABLE letters AS SELECT * FROM read_json('{folder}/letters.jsonl',
        columns = {{sink: 'VARCHAR', part: 'INT', off: 'BIGINT', id: 'BIGINT', whole: 'BOOLEAN'}});
    CREATE TABLE files AS SELECT * FROM read_json('{folder}/files.jsonl',
        columns = {{sink: 'VARCHAR', file: 'VARCHAR', part: 'INT', "first": 'BIGINT', "from": 'BIGINT', until: 'BIGINT', "rows": 'BIGINT'}});
""")
CHECK = "((id * 2654435761) % 4294967296)"
verdict = {"rows": 0, "written": 0, "objects": 0, "dead_letters": 0, "lost": 0, "doubled": 0, "examples": [], "wrong": []}


def count(query):
    return db.execute(query).fetchone()[0] or 0


def add(what, where, query):
    """Adds a count to the verdict, with an example."""
    found = db.execute(query).fetchall()
    n = sum(row[-1] for row in found)
    verdict[what] += n
    if n:
        verdict["examples"].append(f"{where}: {what}: {n}, such as {found[:5]}")


def want_none(where, what, query):
    found = db.execute(query).fetchall()
    if found:
        verdict["wrong"].append(f"{where}: {what}: {len(found)} of them, such as {found[:5]}")


def read(sink):
    files = sorted(str(p) for p in (folder / "files" / sink["name"]).rglob("*" + sink["format"]) if p.is_file())
    columns = {"id": "BIGINT", "grp": "VARCHAR", "word": "VARCHAR", "check": "VARCHAR", "pad": "VARCHAR", "partition": "INT", "offset": "BIGINT"}
    whole = "pad IS NOT DISTINCT FROM repeat('abcdefghij', 95)" if sink["topic"] == "-wide" else "true"
    if sink["topic"] != "-wide":
        del columns["pad"]
    if not sink["with"]:
        del columns["partition"], columns["offset"]
    if sink["format"] != ".parquet":  # all members, and no others
        whole += f" AND members = {sorted(columns)} AND was IS NULL"
        if sink["topic"] == "-mix":
            whole = f"CASE WHEN id % 200 = 137 THEN members = {sorted(columns | {'was': 0})} AND was = CAST({CHECK} AS VARCHAR) ELSE {whole} END"
    extra = "partition, \"offset\"" if sink["with"] else "NULL::INT AS partition, NULL::BIGINT AS \"offset\""
    if not files:
        db.execute("CREATE OR REPLACE TABLE sink (id BIGINT, grp VARCHAR, word VARCHAR, check_ VARCHAR, whole BOOLEAN, partition INT, \"offset\" BIGINT, file VARCHAR, n BIGINT)")
        return
    source = f"""(SELECT unnest(json_transform(json, '{json.dumps(columns)}')), list_sort(json_keys(json)) AS members, json ->> 'was' AS was, filename
        FROM read_ndjson_objects({files!r}, filename = true, hive_partitioning = false))"""
    if sink["format"] == ".parquet":
        source = f"read_parquet({files!r}, filename = true, hive_partitioning = false, union_by_name = true)"
    db.execute(f"""CREATE OR REPLACE TABLE sink AS SELECT id, grp, word, CAST("check" AS VARCHAR) AS check_, {whole} AS whole, {extra},
        substr(filename, {len(str(folder / 'files')) + 2}) AS file, row_number() OVER () AS n FROM {source}""")


# What the topics hold is what was given to them: the source's rows once each, in their order within a file and a partition.
for topic, rows in spec["given"].items():
    verdict["rows"] += count(f"SELECT count(*) FROM topics WHERE topic = '{topic}'")
    add("lost", f"topic {topic}", f"SELECT min(r), count(*) FROM range({rows}) t(r) ANTI JOIN (SELECT id FROM topics WHERE topic = '{topic}') w ON w.id = r HAVING count(*) > 0")
    add("doubled", f"topic {topic}", f"SELECT id, count(*) - 1 FROM topics WHERE topic = '{topic}' GROUP BY id HAVING count(*) > 1 ORDER BY id")
    want_none(f"topic {topic}", "rows that nobody gave", f"SELECT * FROM topics WHERE topic = '{topic}' AND id NOT BETWEEN 0 AND {rows - 1}")
want_none("source", "rows out of order", f"""
    SELECT * FROM (SELECT part, off, id, lag(id) OVER (PARTITION BY part, id // {spec['split']} ORDER BY off) AS before FROM topics WHERE topic = '-csv')
    WHERE id <= before""")

for sink in spec["sinks"]:
    name = sink["name"]
    read(sink)
    bad = "false"
    if sink["topic"] == "-mix":
        bad = "id % 100 = 37" if sink["typed"] else "id % 200 = 37"
    db.execute(f"CREATE OR REPLACE TABLE want AS SELECT * FROM topics WHERE topic = '{sink['topic']}' AND NOT ({bad})")
    db.execute(f"CREATE OR REPLACE TABLE dead AS SELECT * FROM topics WHERE topic = '{sink['topic']}' AND {bad} AND {str(sink['dead']).lower()}")
    written = count("SELECT count(*) FROM sink")
    verdict["written"] += written
    verdict["objects"] += count(f"SELECT count(*) FROM files WHERE sink = '{name}'")
    add("lost", name, "SELECT min(id), count(*) FROM want ANTI JOIN sink USING (id) HAVING count(*) > 0")
    add("doubled", name, "SELECT id, any_value(file), max(file), count(*) - 1 FROM sink GROUP BY id HAVING count(*) > 1 ORDER BY id")
    want_none(name, "rows that should not be there", "SELECT sink.* FROM sink ANTI JOIN want USING (id)")
    groups = 1000 if sink["topic"] == "-wide" else 3
    letter = "p" if sink["topic"] == "-wide" else "g"
    want_none(name, "rows changed", f"""SELECT * FROM sink WHERE grp IS DISTINCT FROM '{letter}' || (id % {groups}) OR word IS DISTINCT FROM 'w,' || id
        OR whole IS NOT TRUE
        OR check_ IS DISTINCT FROM CASE WHEN '{sink['topic']}' = '-mix' AND id % 200 = 137 THEN 'no number ' ELSE CAST({CHECK} AS VARCHAR) END""")
    want_none(name, "rows outside their file's partition, interval or path", f"""
        SELECT s.file, t.part, t.off FROM sink s JOIN want t USING (id) JOIN files f ON f.file = s.file
        WHERE t.part <> f.part OR t.off < f.from OR t.off >= f.until OR ('{name}' <> 'large' AND NOT contains(s.file, '/' || s.grp || '/'))""")
    want_none(name, "files that are not what their names say", """
        SELECT f.file, f.first, min(t.off), f.rows, count(*) FROM sink s JOIN want t USING (id) JOIN files f ON f.file = s.file
        GROUP BY ALL HAVING min(t.off) <> f.first OR count(*) <> f.rows""")
    want_none(name, "files without rows", f"SELECT file FROM files WHERE sink = '{name}' AND file NOT IN (SELECT file FROM sink)")
    want_none(name, "files with unsorted rows", """
        SELECT file FROM (SELECT s.file, t.off, lag(t.off) OVER (PARTITION BY s.file ORDER BY s.n) AS before FROM sink s JOIN want t USING (id))
        WHERE off <= before GROUP BY file""")
    want_none(name, "intervals that overlap", f"""
        WITH i AS (SELECT DISTINCT part, "from", until FROM files WHERE sink = '{name}')
        SELECT a.*, b.* FROM i a JOIN i b ON a.part = b.part AND a."from" <= b."from" AND a.until > b."from" AND (a."from", a.until) <> (b."from", b.until)""")
    if sink["with"]:
        want_none(name, "rows that name another place", """
            SELECT s.id, s.partition, s."offset", t.part, t.off FROM sink s JOIN want t USING (id)
            WHERE s.partition IS DISTINCT FROM t.part OR s."offset" IS DISTINCT FROM t.off""")
    db.execute(f"CREATE OR REPLACE TABLE got AS SELECT * FROM letters WHERE sink = '{name}'")
    verdict["dead_letters"] += count("SELECT count(*) FROM got")
    add("lost", f"{name}, dead letters", "SELECT min(id), count(*) FROM dead ANTI JOIN got USING (part, off) HAVING count(*) > 0")
    add("doubled", f"{name}, dead letters", "SELECT part, off, count(*) - 1 FROM got GROUP BY part, off HAVING count(*) > 1 ORDER BY ALL")
    want_none(f"{name}, dead letters", "letters of sound rows, or changed", "SELECT got.* FROM got LEFT JOIN dead USING (part, off) WHERE dead.id IS DISTINCT FROM got.id OR NOT got.whole")
print(json.dumps(verdict))
