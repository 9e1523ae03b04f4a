-- Somebody makes the owner disarm. The duress code is a hold-up of its own, and the disarming that
-- comes with it closes nothing.
site #1234 "Mill Road 4"
#1234 asks for abort 120 s
desk Li dispatcher

12:00:00 dc09 #1234 1130 zone 001 authenticated
12:00:30 dc09 #1234 1121 zone 007 authenticated
12:00:30 expect incident 2 type Hold-up
12:00:30 expect incident 2 level P1
12:00:30 expect incident 2 validation 4 because life
12:00:31 dc09 #1234 1401 zone 007 authenticated
12:00:31 expect incident 1 state new
12:00:31 expect incident 2 state new
12:00:31 expect told "Disarmed by user: still open, something else speaks for it"
12:00:40 dc09 #1234 1406 zone 007 authenticated
12:00:40 expect incident 2 state new
12:00:40 expect incident 2 validation 4 because life
