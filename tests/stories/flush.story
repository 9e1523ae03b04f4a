-- A panel was cut off all morning and now sends what it kept. It is seen, in one card, and moves
-- nobody; what happens now does.
site #1234 "Mill Road 4"
unit P1 patrol
desk Li dispatcher

12:00:00 dc09 #1234 BA zone 1 occurred 08:10:00 authenticated
12:00:00 expect signal opened because late, late
12:00:00 expect incident 1 band watch
12:00:00 expect incident 1 level P2
12:00:00 expect incident 1 late True
12:00:00 expect incident 1 validation 1 because late
12:00:01 dc09 #1234 BA zone 2 occurred 08:10:20 authenticated
12:00:02 dc09 #1234 TA zone 3 occurred 08:30:00 authenticated
12:00:03 dc09 #1234 WA zone 4 occurred 09:00:00 authenticated
12:00:04 dc09 #1234 BR zone 1 occurred 09:01:00 authenticated
12:00:04 expect 1 incidents
12:00:04 expect incident 1 alarms 4
12:00:04 expect incident 1 validation 1 because late
-- Smoke, also of this morning, is a card of its own, with the deadline of a fire.
12:00:05 dc09 #1234 FA zone 9 occurred 10:00:00 authenticated
12:00:05 expect incident 2 band watch
12:00:05 expect incident 2 due 12:01:05
12:00:30 Li takes 2
12:02:00 dc09 #1234 BA zone 1 authenticated
12:02:00 expect signal joined because same_site
12:02:00 expect incident 1 band unassigned
12:02:00 expect incident 1 late none
12:02:00 expect told "It is an alarm now: a timely alarm joined"
