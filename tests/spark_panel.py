"""The panel expression on a local Spark, in a process of its own: spark_panel.py ROWS SERVICES OUT.

The middle is the script of docs/request_logs.md; the test takes it from there.
"""

import os
import re
import sys
from pathlib import Path

from pyspark.sql import SparkSession

folder, services_file, out = sys.argv[1:]
(
    SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.sql.shuffle.partitions", "4").getOrCreate()
)  # fmt: skip
page = (Path(__file__).resolve().parents[1] / "docs" / "request_logs.md").read_text(encoding="utf-8")
script = re.search(r"```python\n(.*?)```", page, re.DOTALL).group(1)
os.chdir(folder)
script = script.replace("panel/2024/staging", "staging").replace("services.csv", services_file)
names = {}
exec(compile(script, "docs/request_logs.md", "exec"), names)
names["detail"].to_parquet(out)
names["frame"].to_parquet(f"{out}.panel")
