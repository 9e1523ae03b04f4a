-- A panel alarms every 100 seconds and nobody comes: it is told again and again, and is overdue all
-- the while. What restores something else of the zone leaves its alarm open.
site #1234 "Mill Road 4"
desk Li dispatcher

12:00:00 dc09 #1234 BA zone 7
12:02:00 expect incident 1 overdue take
12:03:00 dc09 #1234 BA zone 7
12:03:00 expect incident 1 overdue take
12:03:00 expect incident 1 due 12:05:00
12:04:40 dc09 #1234 BA zone 7
12:04:40 expect incident 1 due 12:05:00
12:05:00 expect told "Not taken in time (due 12:05:00Z)"
12:05:00 expect incident 1 overdue take
12:06:20 dc09 #1234 BV
12:06:20 expect incident 1 level P1
12:06:20 expect incident 1 overdue take
12:06:20 expect incident 1 due 12:07:20
12:07:00 dc09 #1234 XR zone 7
12:07:01 dc09 #1234 TR zone 7
12:07:01 expect incident 1 open zones 7
12:07:02 dc09 #1234 BR zone 7
12:07:02 expect incident 1 open zones none
12:07:10 Li takes 1
12:07:10 expect incident 1 overdue none
