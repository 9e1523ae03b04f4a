-- A shop asks for two zones. One door contact is seen by all and hurries nobody; the second makes
-- it a burglary like any other.
site #1234 "Mill Road 4"
#1234 asks for two_zones within 600 s
unit P1 patrol
desk Li dispatcher

12:00:00 dc09 #1234 BA zone 1 authenticated
12:00:00 expect signal opened because unconfirmed
12:00:00 expect incident burglary "Mill Road 4"
12:00:00 expect incident 1 band watch
12:00:00 expect incident 1 level P2
12:00:00 expect incident 1 confirmation waiting
12:00:00 expect incident 1 validation 1 because alarm
12:00:00 expect incident 1 due 12:10:00
-- The same door again is no second zone.
12:01:00 dc09 #1234 BA zone 1 authenticated
12:01:00 expect incident 1 confirmation waiting
12:01:30 dc09 #1234 BA zone 5 authenticated
12:01:30 expect incident 1 confirmation two_zones
12:01:30 expect incident 1 band unassigned
12:01:30 expect incident 1 validation 2 because two_zones
12:01:30 expect incident 1 open zones 1 5
12:01:30 expect incident 1 due 12:03:30
12:01:30 expect told "It is an alarm now: a second zone alarmed"
12:02:00 Li sends P1 to 1
12:05:00 Li validates 1 at level 3 "the guard sees two men load a van"
12:05:00 expect incident 1 validation 3 because by_hand
12:05:00 expect told "Li set the validation level to 3, threat to property: the guard sees two men load a van"
12:06:00 dc09 #1234 BR zone 1 authenticated
12:06:00 expect incident 1 open zones 5
-- A fire at the same shop waits for nothing.
12:07:00 dc09 #1234 FA zone 9
12:07:00 expect incident 2 band unassigned
12:07:00 expect incident 2 confirmation none
12:07:00 expect incident 2 validation none
