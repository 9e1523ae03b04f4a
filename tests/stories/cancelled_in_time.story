-- The owner opens the wrong door and cancels at once. Who says so decides what it does.
site #1234 "Mill Road 4"
site #5678 "Park Lane 9"
#1234 asks for abort 120 s
#5678 asks for abort 120 s
unit P1 patrol
desk Li dispatcher

-- Nothing vouches for this panel: its cancel is said, and mutes nothing.
12:00:00 dc09 #5678 1130 zone 001
12:00:40 dc09 #5678 1406 zone 007
12:00:40 expect signal joined because same_site
12:00:40 expect incident 1 state new
12:00:40 expect incident 1 validation 1 because alarm
12:00:40 expect told "Cancelled by user: still open, nothing vouches for who said it"
12:01:00 Li validates 1 at level 0 "the owner gave the password by phone"
12:01:00 expect incident 1 validation 0 because by_hand
12:01:30 Li closes 1 as cancelled_by_user
-- This one is authenticated, and one zone alarmed.
12:10:00 dc09 #1234 1130 zone 001 authenticated
12:11:00 dc09 #1234 1401 zone 007 authenticated
12:11:00 expect incident 2 state closed
12:11:00 expect incident 2 disposition cancelled_by_user
12:11:00 expect incident 2 validation 0 because cancelled
12:11:00 expect told "Disarmed by user: that closed it"
12:12:00 Li reopens 2 "the neighbour says there is somebody inside"
12:12:00 expect incident 2 state new
12:12:00 expect incident 2 validation 1 because alarm
12:13:00 Li sends P1 to 2
12:13:10 dc09 #1234 1406 zone 007 authenticated
12:13:10 expect incident 2 units P1
12:13:10 expect incident 2 state taken
