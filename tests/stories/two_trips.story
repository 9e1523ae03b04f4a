-- A shed where foxes pass: the first trip is seen, the second within five minutes is an alarm.
site #1234 "Mill Road 4"
#1234 asks for two trips 300 s
desk Li dispatcher

12:00:00 dc09 #1234 BA zone 3
12:00:00 expect signal opened because unconfirmed
12:00:00 expect incident 1 band watch
12:00:00 expect incident 1 due 12:05:00
12:05:01 dc09 #1234 BA zone 3
12:05:01 expect incident 1 confirmation waiting
12:09:00 dc09 #1234 BA zone 3
12:09:00 expect incident 1 confirmation second_trip
12:09:00 expect incident 1 band unassigned
12:09:00 expect told "It is an alarm now: it tripped again"
-- A verified alarm needs no second trip.
12:10:00 Li closes 1 as false_alarm
12:20:00 dc09 #1234 BV zone 3
12:20:00 expect incident 2 band unassigned
