-- A false alarm with its restore, then the late echo of it, and the next alarm is a new one.
site #1234 "Mill Road 4"
unit E11 pump
desk Li dispatcher

12:00:00 dc09 #1234 1110 zone 005
12:00:00 expect incident fire "Mill Road 4"
12:00:05 dc09 #1234 1110 zone 005 repeated
12:00:05 expect signal recorded because repeat
12:00:10 Li sends E11 to 1
12:00:40 E11 reports under way
12:02:00 dc09 #1234 1406 zone 012
12:02:00 expect signal joined because same_site
12:02:30 dc09 #1234 3110 zone 005
12:02:30 expect signal joined because same_site
12:02:30 expect incident 1 alarms 1
12:02:30 expect incident 1 signals 3
12:03:00 Li recalls E11 from 1
12:03:00 expect unit E11 state returning
12:03:00 expect order E11 state recalled
12:03:10 Li closes 1 as false_alarm
12:03:10 expect incident 1 disposition false_alarm
12:04:00 dc09 #1234 3110 zone 006
12:04:00 expect signal recorded because nothing_open
12:05:00 dc09 #1234 1602
12:05:00 expect signal recorded because test
12:10:00 E11 reports in station
12:30:00 dc09 #1234 1110 zone 005 occurred 12:19:00
12:30:00 expect signal opened because alarm, late
12:30:00 expect 2 incidents
-- The first one was no false alarm after all.
12:31:00 Li reopens 1 "smouldering cable found"
12:31:00 expect incident 1 state taken
12:31:00 expect incident 1 disposition none
