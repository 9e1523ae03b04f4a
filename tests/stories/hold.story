-- A burglary alarm waits for the keyholder, and comes back by itself.
site #1234 "Mill Road 4"
desk Li dispatcher
unit P51 patrol

12:00:00 dc09 #1234 BA zone 2
12:00:20 Li holds 1 until 12:00:10 "keyholder" - refused time_in_past
12:00:25 Li holds 1 until 12:10:00 "keyholder on the way"
12:00:25 expect incident 1 state held
12:00:25 expect incident 1 taken by name Li
12:09:59 expect incident 1 state held
12:09:59 expect incident 1 overdue none
12:10:00 expect incident 1 state taken
12:10:00 expect told "Hold ended (Tocsin)"
-- From now on a unit must be on it within three minutes.
12:12:59 expect incident 1 overdue none
12:13:00 expect incident 1 overdue assign
12:13:10 Li holds 1 until 13:00:00 "keyholder is in traffic"
-- A restore is no reason to look; a further alarm is.
12:20:00 dc09 #1234 BH zone 2
12:20:00 expect incident 1 state held
12:30:00 dc09 #1234 BV zone 3
12:30:00 expect incident 1 state taken
12:30:00 expect incident 1 level P1
12:30:10 Li sends P51 to 1
12:30:15 Li holds 1 until 13:00:00 "wait" - refused unit_attached
