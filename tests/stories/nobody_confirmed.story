-- Nothing confirms the alarm: it stays where everybody sees it, and when the window has passed
-- somebody is told.
site #1234 "Mill Road 4"
#1234 asks for two_zones within 600 s
desk Li dispatcher

12:00:00 dc09 #1234 BA zone 1
12:09:59 expect incident 1 overdue none
12:10:00 expect incident 1 overdue take
12:10:00 expect incident 1 band watch
12:11:00 dc09 #1234 BA zone 2
12:11:00 expect incident 1 confirmation waiting
12:12:00 Li validates 1 at level 2 "the keyholder heard steps"
12:12:00 expect incident 1 confirmation by_hand
12:12:00 expect incident 1 band unassigned
12:12:00 expect incident 1 due 12:14:00
12:12:30 Li takes 1
