#!/bin/sh
# A file of COPY text into the table: a stage, one merge, one commit. What the store alone can do with one connection.
exec psql "$POSTGRES_URL" --no-psqlrc --quiet --single-transaction --set ON_ERROR_STOP=1 \
  --command 'CREATE TEMP TABLE stage (data_id varchar, hash varchar, data jsonb) ON COMMIT DROP' \
  --command "\\copy stage FROM '$BENCH_FILE'" \
  --command "INSERT INTO $BENCH_TABLE AS t (data_id, hash, data)
    SELECT DISTINCT ON (data_id) data_id, hash, data FROM stage ORDER BY data_id
    ON CONFLICT (data_id) DO UPDATE SET hash = excluded.hash, data = excluded.data WHERE t.hash <> excluded.hash"
