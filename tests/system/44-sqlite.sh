#!/bin/sh
# Goal: sqlite3 keeps a database on the mount: random writes, journals, locks.
. "$(dirname "$0")/../support/lib.sh"
command -v sqlite3 >/dev/null || skip "sqlite3 is not installed"

start_emulator
mount_brickfs dbfs:/
db=$mnt/data.db

note "create and fill"
sqlite3 "$db" 'create table t(id integer primary key, v text);
    create index i on t(v);
    with recursive n(x) as (select 1 union all select x+1 from n where x < 20000)
    insert into t select x, hex(x * 7919) from n;'
expect_output '20000' sqlite3 "$db" 'select count(*) from t'

note "update at random, delete, vacuum"
sqlite3 "$db" 'update t set v = v || "x" where id % 97 = 0;
    delete from t where id % 5 = 0; vacuum;'
expect_output ok sqlite3 "$db" 'pragma integrity_check'
expect_output 16000 sqlite3 "$db" 'select count(*) from t'

note "a transaction that is rolled back leaves nothing"
sqlite3 "$db" 'begin; delete from t; rollback;'
expect_output 16000 sqlite3 "$db" 'select count(*) from t'

note "what the server holds is the database"
emu_get /dbfs/data.db >"$work/copy.db"
expect_output ok sqlite3 "$work/copy.db" 'pragma integrity_check'
expect_output 16000 sqlite3 "$work/copy.db" 'select count(*) from t'

note "after a remount too"
remount dbfs:/
expect_output ok sqlite3 "$db" 'pragma integrity_check'
expect_output 16000 sqlite3 "$db" 'select count(*) from t'
unmount
