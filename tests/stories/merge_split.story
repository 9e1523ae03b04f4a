-- Two cards, one fire; then it turns out to be two fires after all.
site #1234 "Mill Road 4"
site #5678 "Mill Road 6"
unit E11 pump
desk Li dispatcher

12:00:00 dc09 #1234 FA zone 7
12:00:10 dc09 #5678 FA zone 1
12:00:12 dc09 #1234 FT zone 3
12:00:20 Li sends E11 to 2
12:00:25 Li merges 2 into 1 - refused unit_attached
12:00:30 Li merges 1 into 2
12:00:30 expect incident 1 state merged
12:00:30 expect incident 2 signals 3
12:00:30 expect incident 2 alarms 2
12:00:35 Li takes 1 - refused incident_merged
-- What the first site says from now on goes where its incident lives on.
12:01:00 dc09 #1234 FA zone 8
12:01:00 expect signal joined because same_site
12:01:00 expect incident 2 signals 4
12:04:00 Li splits 1
-- As it stood before the merge: new, with its own signals, and by now long overdue.
12:04:00 expect incident 1 state new
12:04:00 expect incident 1 signals 2
12:04:00 expect incident 1 alarms 1
12:04:00 expect incident 2 signals 2
12:04:01 expect incident 1 overdue take
12:04:10 Li moves signal 4 from 2 to 1
12:04:10 expect incident 1 alarms 2
12:04:10 expect incident 2 alarms 1
12:04:20 Li links 1 with 2
12:04:25 Li splits 1 - refused incident_not_merged
