-- Accounts that nobody registered: one card each in the watch band, few for a flood.
site #1234 "Mill Road 4"
desk Kim call_taker

12:00:00 dc09 #9999 FA zone 1 from 198.51.100.7
12:00:00 expect signal opened because unknown_source
12:00:00 expect incident unknown "Fire alarm, zone 1 · #9999"
12:00:00 expect incident 1 band watch
12:00:00 expect incident 1 level P4
12:00:02 dc09 #9999 BA zone 2 from 198.51.100.7
12:00:02 expect signal joined because same_source
12:00:03 dc09 #9999 RP from 198.51.100.7
12:00:03 expect signal recorded because test
12:00:04 dc09 #8888 OP from 198.51.100.7
12:00:04 expect signal recorded because nothing_open
-- One address invents accounts: from the sixth on they share a card.
12:01:00 dc09 #A001 FA from 203.0.113.9
12:01:00 dc09 #A002 FA from 203.0.113.9
12:01:00 dc09 #A003 FA from 203.0.113.9
12:01:00 dc09 #A004 FA from 203.0.113.9
12:01:00 dc09 #A005 FA from 203.0.113.9
12:01:00 expect 6 incidents
12:01:01 dc09 #A006 FA from 203.0.113.9
12:01:01 expect signal joined because same_address
12:01:01 dc09 #A007 FA from 203.0.113.9
12:01:01 expect 6 incidents
-- A registered site is never hidden by it, nor is another address.
12:01:02 dc09 #1234 FA zone 1 from 203.0.113.9
12:01:02 expect signal opened because alarm
12:01:03 dc09 #B001 FA from 192.0.2.77
12:01:03 expect 8 incidents
-- A trouble of a known site is watched too, and an alarm does not hide in it.
12:02:00 Kim takes 7
12:02:05 Kim closes 7 as test
12:03:00 dc09 #1234 AT
12:03:00 expect signal opened because trouble
12:03:00 expect incident 9 band watch
12:03:05 dc09 #1234 ZY
12:03:05 expect signal joined because same_site
12:03:10 dc09 #1234 FA zone 1
12:03:10 expect signal opened because alarm
-- Who takes a watch card makes it an incident like any other; who does not, is reminded.
12:59:59 expect incident 1 overdue none
13:00:00 expect incident 1 overdue take
13:00:10 Kim takes 1
13:00:10 expect incident 1 band unassigned
