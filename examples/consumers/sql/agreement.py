"""Runs agreement.sql over exported pairs and prints one line of JSON for each candidate and route.

    understudy journal export --format parquet -o pairs.parquet
    python agreement.py pairs.parquet
"""

import json
import pathlib
import sys

import duckdb

SQL = pathlib.Path(__file__).with_name("agreement.sql").read_text(encoding="utf-8")

db = duckdb.connect()
db.execute("SET VARIABLE pairs = ?", [sys.argv[1]])
result = db.execute(SQL)
names = [column[0] for column in result.description]
for row in result.fetchall():
    print(json.dumps(dict(zip(names, row))))
