-- A call is understood better with each sentence, and the same card follows.
site #1234 "Mill Road 4"
unit E11 pump hazmat
desk Kim call_taker
desk Li dispatcher

12:00:00 Kim opens unknown P3 at "Mill Road 4"
12:00:20 Kim takes 1
12:00:30 Kim notes on 1 "smells of gas in the cellar"
12:00:35 Kim classifies 1 as gas
12:00:35 expect incident 1 type Gas leak
12:00:40 Kim prioritises 1 as P1
12:00:40 expect told "Kim set the priority to: P1, life at risk"
12:00:45 Kim prioritises 1 as P1 - refused already_so
12:01:00 Li takes 1 - refused already_taken: Kim took this incident at 12:00:20Z.
-- The fire panel of the same house is its own card until a person joins them.
12:01:30 dc09 #1234 GA zone 2
12:01:30 expect 2 incidents
12:01:30 expect signal opened because alarm
12:01:40 Kim merges 2 into 1
12:01:40 expect incident 1 signals 1
12:01:45 Kim notes on 1 "" - refused text_empty: The text is empty.
12:01:50 E11 is out of service: breakdown
12:01:55 E11 is in service again
12:02:00 Kim holds 1 until 12:30:00 "gas works called"
12:02:05 Kim releases 1
12:02:06 Kim releases 1 - refused incident_not_held
12:02:10 Li sends E11 to 1
12:09:00 E11 reports at scene
12:40:00 E11 reports returning
12:41:00 Kim reopens 1 "why" - refused not_allowed
12:41:10 Kim closes 1 as transferred
12:41:20 Li takes 1 - refused incident_closed
