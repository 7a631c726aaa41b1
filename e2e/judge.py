"""Judges files of stocks with DuckDB and pyarrow against the CSV they came from. It knows nothing of penstock.

Usage: judge.py CSV FOLDER...
A folder holds .../index=I/year=Y/*.parquet or .../day=D/index=I/*.json.gz. The answer is one line of JSON for each folder and
reader: {"folder": ..., "reader": ..., "rows": ..., "problems": [...]}.
"""

import csv
import datetime
import glob
import json
import os
import struct
import sys
import urllib.parse

import duckdb
import pyarrow as pa
import pyarrow.dataset
import pyarrow.json
import pyarrow.parquet

PRICES = ["Open", "High", "Low", "Close", "Adj Close", "Volume", "CloseUSD"]
SNAKE = ["open", "high", "low", "close", "adj_close", "volume", "close_usd"]
SHOWN = 6


def bits(value):
    return None if value is None else struct.pack(">d", value)




def read_csv(path):
    """Maps (index, date) to (line, bits of the prices)."""
    rows = {}
    with open(path, newline="", encoding="utf-8") as f:
        for line, row in enumerate(csv.DictReader(f), 2):
            prices = [bits(float(row[p])) if row[p] else None for p in PRICES]
            rows[row["Index"], row["Date"]] = line, prices
    return rows


class Verdict:
    """Takes the rows of all files, one file after the other, and says what is wrong with them."""

    def __init__(self, want):
        self.want, self.seen, self.problems, self.rows = want, set(), [], 0

    def wrong(self, text):
        self.problems.append(text)

    def columns(self, file, got, want):
        if got != want:
            self.wrong(f"{file}: its columns are {got}, want {want}")

    def file(self, file, rows):
        """rows are (index, date, prices), as the reader gave them."""
        last = 0
        for n, (index, date, prices) in enumerate(rows):
            self.rows += 1
            where = f"{file}: row {n}: {date} of {index!r}"
            line, want = self.want.get((index, str(date)), (0, None))
            if not line:
                self.wrong(f"{where} is not in the CSV")
                continue
            if line in self.seen:
                self.wrong(f"{where} stands there again")
            if line < last:
                self.wrong(f"{where}, line {line} of the CSV, comes after line {last}")
            self.seen.add(line)
            last = line
            got = [bits(p) for p in prices]
            for name, is_, should in zip(PRICES, got, want):
                if is_ != should:
                    self.wrong(f"{where}: {name} is {show(is_)}, want {show(should)}")

    def end(self):
        missing = [f"line {line}: {date} of {index!r}" for (index, date), (line, _) in self.want.items() if line not in self.seen]
        if missing:
            self.wrong(f"{len(missing)} rows of the CSV are in no file, such as " + "; ".join(missing[:SHOWN]))


def show(b):
    return "null" if b is None else f"{struct.unpack('>d', b)[0]!r} ({b.hex()})"


def partitions(path):
    """The values of the folders name=value, decoded."""
    pairs = (s.split("=", 1) for s in path.split("/")[:-1] if "=" in s)
    return {k: urllib.parse.unquote(v, errors="strict") for k, v in pairs}


def by_file(rows):
    """Parts rows that begin with a file's name."""
    files = {}
    for name, *row in rows:
        files.setdefault(name, []).append(row)
    return files.items()


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def duckdb_parquet(folder, verdict):
    files = quoted(folder + "/**/*.parquet")
    types = duckdb.execute(f"SELECT file_name, name, type, coalesce(logical_type, '') FROM parquet_schema({files}) WHERE num_children IS NULL "
                           "ORDER BY file_name, column_id").fetchall()
    for file, columns in by_file(types):
        verdict.columns(file, columns, [["date", "INT32", "DateType()"]] + [[p, "DOUBLE", ""] for p in SNAKE])
    rows = duckdb.execute(f"SELECT filename, index, date, year, {', '.join(SNAKE)} FROM read_parquet({files}, filename = true, "
                          "file_row_number = true, hive_partitioning = true, hive_types = {'index': VARCHAR, 'year': BIGINT}) "
                          "ORDER BY filename, file_row_number").fetchall()
    for file, rows in by_file(rows):
        for _, date, year, *_ in rows:
            if date.year != year:
                verdict.wrong(f"{file}: {date} is not of the year {year}")
        verdict.file(file, ((index, date, prices) for index, date, _, *prices in rows))


def pyarrow_parquet(folder, verdict):
    want = pa.schema([("date", pa.date32())] + [(p, pa.float64()) for p in SNAKE])
    hive = pa.dataset.partitioning(pa.schema([("index", pa.string()), ("year", pa.int64())]), flavor="hive")
    data = pa.dataset.dataset(folder, format="parquet", partitioning=hive, schema=want)
    for f in sorted(data.get_fragments(), key=lambda f: f.path):
        verdict.columns(f.path, f.physical_schema, want)
        keys = pa.dataset.get_partition_keys(f.partition_expression)
        date, *prices = (c.to_pylist() for c in pa.parquet.ParquetFile(f.path).read().columns)
        if any(d.year != keys["year"] for d in date):
            verdict.wrong(f"{f.path}: not all dates are of the year {keys['year']}")
        verdict.file(f.path, ((keys["index"], d, p) for d, *p in zip(date, *prices)))


def duckdb_json(folder, verdict):
    types = {"Date": "VARCHAR"} | {p: "DOUBLE" for p in PRICES}
    names = ", ".join(f'"{c}"' for c in types)
    rows = duckdb.execute(f"SELECT filename, {names} FROM read_json({quoted(folder + '/**/*.json.gz')}, filename = true, "
                          f"format = 'newline_delimited', hive_partitioning = false, columns = {types!r})").fetchall()
    for file, rows in by_file(rows):
        index = partitions(file)["index"]
        verdict.file(file, ((index, date, prices) for date, *prices in rows))


def pyarrow_json(folder, verdict):
    types = pa.schema([("Date", pa.string())] + [(p, pa.float64()) for p in PRICES])
    options = pa.json.ParseOptions(explicit_schema=types, unexpected_field_behavior="error")
    for file in sorted(glob.glob(folder + "/**/*.json.gz", recursive=True)):
        keys = partitions(file)
        datetime.date.fromisoformat(keys["day"])
        table = pa.json.read_json(file, parse_options=options)
        date, *prices = (c.to_pylist() for c in table.columns)
        verdict.file(file, ((keys["index"], d, p) for d, *p in zip(date, *prices)))


READERS = {
    ".parquet": {"DuckDB": duckdb_parquet, "pyarrow": pyarrow_parquet},
    ".json.gz": {"DuckDB": duckdb_json, "pyarrow": pyarrow_json},
}


def judge(folder, want):
    names = [name for _, _, files in os.walk(folder) for name in files]
    ext = next((ext for ext in READERS if names and all(name.endswith(ext) for name in names)), None)
    if ext is None:
        yield "none", ["there are no files, or not of one known format"], 0
        return
    for reader, read in READERS[ext].items():
        verdict = Verdict(want)
        try:
            read(folder, verdict)
        except Exception as e:
            verdict.wrong(f"{type(e).__name__}: {e}")
        verdict.end()
        yield reader, verdict.problems, verdict.rows


def main():
    want = read_csv(sys.argv[1])
    for folder in sys.argv[2:]:
        for reader, problems, rows in judge(folder, want):
            print(json.dumps({"folder": folder, "reader": reader, "rows": rows, "count": len(problems), "problems": problems[:SHOWN]}))


if __name__ == "__main__":
    main()
