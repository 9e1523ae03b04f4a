-- A gateway sends without end. It is muted for a while, and nothing else is.
site #1234 "Mill Road 4"
desk Kim supervisor
desk Ann supervisor
desk Li dispatcher

12:00:00 dc09 #9999 BA zone 1 from 198.51.100.7
12:00:00 expect signal opened because unknown_source
12:01:00 Li tries to mute 198.51.100.7 for 60 minutes, 1 of 1000 sources: gateway fault - refused not_allowed
12:01:00 Kim tries to mute 10.0.0.0/8 for 60 minutes, 1 of 1000 sources: gateway fault - refused block_too_wide
12:01:10 Kim tries to mute 198.51.100.7 for 60 minutes, 1 of 1000 sources: gateway fault
-- Tried only: it mutes nothing yet.
12:01:20 dc09 #9999 BA zone 1 from 198.51.100.7
12:01:20 expect signal joined because same_source
12:02:00 Kim puts the rule in force
12:02:10 dc09 #9999 BA zone 1 from 198.51.100.7
12:02:10 expect signal recorded because blocked
12:02:11 dc09 #8888 BA zone 1 from 198.51.100.7
12:02:11 expect signal recorded because blocked
12:02:11 expect 1 incident
-- A registered site behind the same gateway: its burglary is muted, its fire and hold-up are not.
12:03:00 dc09 #1234 BA zone 2 from 198.51.100.7
12:03:00 expect signal recorded because blocked
12:03:01 dc09 #1234 FA zone 1 from 198.51.100.7
12:03:01 expect signal opened because alarm
12:03:02 dc09 #1234 HA from 198.51.100.7
12:03:02 expect signal opened because alarm
-- A dispatcher may end it, and so does the clock.
12:10:00 Li ends the rule
12:10:05 dc09 #1234 BA zone 2 from 198.51.100.7
12:10:05 expect signal opened because alarm
-- What reaches many sources is approved by another person.
12:20:00 Kim tries to mute 198.51.100.0/24 for 60 minutes, 30 of 1000 sources: attack
12:20:10 Kim puts the rule in force - refused block_needs_second
12:20:20 Kim approves the rule - refused block_needs_second
12:20:30 Ann approves the rule
12:21:00 dc09 #7777 BA from 198.51.100.9
12:21:00 expect signal recorded because blocked
13:20:00 dc09 #7777 BA from 198.51.100.9
13:20:00 expect signal opened because unknown_source
-- And a fifth of all is beyond everybody.
13:30:00 Kim tries to mute 198.51.100.0/24 for 60 minutes, 201 of 1000 sources: attack
13:30:10 Ann approves the rule - refused block_share_too_great
