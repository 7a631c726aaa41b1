"""Prints what files hold, as pyarrow and json read them: tables.py FOLDER."""
import gzip
import json
import pathlib
import sys

import pyarrow.parquet


def parquet(path):
    file = pyarrow.parquet.ParquetFile(path)
    table = file.read()
    return {
        "columns": [f"{c.name} {c.type}" for c in table.schema],
        "compression": file.metadata.row_group(0).column(0).compression,
        "rows": table.to_pylist(),
    }


def lines(path, opened):
    with opened(path, "rt", encoding="utf-8") as text:
        return {"rows": [json.loads(line) for line in text]}


readers = {".parquet": parquet, ".json": lambda p: lines(p, open), ".gz": lambda p: lines(p, gzip.open)}
folder = pathlib.Path(sys.argv[1])
files = [p for p in folder.rglob("*") if p.is_file()]
json.dump({str(p.relative_to(folder)): readers[p.suffix](p) for p in files}, sys.stdout)
