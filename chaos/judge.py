"""Counts every row with DuckDB: judge.py FOLDER ROWS. FOLDER holds topic.jsonl, files.jsonl and the files themselves."""
import json
import sys

import duckdb

folder, rows = sys.argv[1], int(sys.argv[2])
db = duckdb.connect()
db.execute("SET threads = 2")
db.execute(f"""
    CREATE TABLE topic AS
        SELECT part, off, CAST(value->>'id' AS BIGINT) AS id, value->>'grp' AS grp, value->>'word' AS word,
               CAST(value->>'check' AS BIGINT) AS check_
        FROM read_json('{folder}/topic.jsonl', columns = {{part: 'INT', off: 'BIGINT', value: 'JSON'}});
    CREATE TABLE files AS SELECT * FROM read_json('{folder}/files.jsonl');
    CREATE TABLE json AS SELECT id, grp, word, "check" AS check_, filename AS file
        FROM read_json('{folder}/json/**/*.json', filename = true, hive_partitioning = false,
                       columns = {{id: 'BIGINT', grp: 'VARCHAR', word: 'VARCHAR', "check": 'BIGINT'}});
    CREATE TABLE parquet AS SELECT id, grp, word, "check" AS check_, filename AS file
        FROM read_parquet('{folder}/parquet/**/*.parquet', filename = true, hive_partitioning = false);
""")
wrong, counts = [], []


def want_none(what, query):
    found = db.execute(query).fetchall()
    if found:
        wrong.append(f"{what}: {len(found)} of them, such as {found[:5]}")


for where in ("topic", "json", "parquet"):
    counts.append(f"{where} {db.execute(f'SELECT count(*) FROM {where}').fetchone()[0]} rows")
    want_none(f"{where}: rows lost", f"SELECT r FROM range({rows}) t(r) ANTI JOIN {where} w ON w.id = r ORDER BY r")
    want_none(f"{where}: rows doubled", f"SELECT id, count(*) FROM {where} GROUP BY id HAVING count(*) > 1 ORDER BY id")
    want_none(f"{where}: rows changed", f"""SELECT * FROM {where} WHERE id NOT BETWEEN 0 AND {rows - 1}
        OR grp <> 'g' || (id % 5) OR word <> 'w,' || id OR check_ <> (id * 2654435761) % 4294967296""")
for where in ("json", "parquet"):
    n = db.execute(f"SELECT count(*) FROM files WHERE contains(file, '/{where}/')").fetchone()[0]
    counts.append(f"{where} {n} files")
    want_none(f"{where}: rows outside their file's partition or interval", f"""
        SELECT w.file, t.part, t.off FROM {where} w JOIN topic t USING (id) JOIN files f USING (file)
        WHERE t.part <> f.part OR t.off < f.from OR t.off >= f.until""")
    want_none(f"{where}: files that are not what their names say", f"""
        SELECT file, f.first, min(t.off), f.rows, count(*) FROM {where} w JOIN topic t USING (id) JOIN files f USING (file)
        GROUP BY ALL HAVING min(t.off) <> f.first OR count(*) <> f.rows""")
    want_none(f"{where}: files with unsorted rows", f"""
        SELECT file FROM (SELECT w.file, t.off, lag(t.off) OVER (PARTITION BY w.file ORDER BY w.rowid) AS before
        FROM {where} w JOIN topic t USING (id)) WHERE off <= before GROUP BY file""")
    want_none(f"{where}: intervals that overlap", f"""
        WITH i AS (SELECT DISTINCT part, "from", until FROM files WHERE contains(file, '/{where}/'))
        SELECT a.*, b.* FROM i a JOIN i b ON a.part = b.part AND a."from" < b."from" AND a.until > b."from" """)
print(json.dumps({"wrong": wrong, "summary": ", ".join(counts)}))
