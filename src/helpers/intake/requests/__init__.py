"""From a log of applications, one row each, to the monthly service panel.

`columns` recognises the columns, `reading` and `csv_stream` stream any log with its lines, `decoding` turns bytes into
texts, `meanings` says what one text means, `rows` turns a batch into typed rows and refusals, `staging` keeps typed
rows per file on disk so that interrupted runs resume, `duplicates` finds applications that stand there twice,
`aggregation` is the one Ibis expression that makes the panel on DuckDB or Spark, `services` adds what is known of
services, `panel` puts them in order, `command` is what `reports panel` does.
"""
