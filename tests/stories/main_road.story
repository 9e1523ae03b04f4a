-- The whole road: from an alarm frame to the unit back in its station.
site #1234 "Mill Road 4"
unit E11 pump
unit L12 ladder
desk Li dispatcher

12:00:03 dc09 #1234 FA zone 7
12:00:05 expect incident fire "Mill Road 4"
12:00:05 expect incident 1 band unassigned
12:00:05 expect signal opened because alarm
12:00:08 dc09 #1234 FA zone 8
12:00:08 expect signal joined because same_site
12:00:08 expect incident 1 alarms 2
12:00:20 Li takes 1
12:00:31 Li sends E11 L12 to 1
12:00:31 expect incident 1 band working
12:00:31 expect incident 1 units E11 L12
12:00:31 expect order E11 state sent
12:00:34 E11 receives
12:00:36 L12 receives
12:00:40 E11 accepts
12:00:44 L12 accepts
12:01:30 E11 reports under way
12:01:41 L12 reports under way
12:07:12 E11 reports at scene
12:08:02 L12 reports at scene
12:08:02 expect order L12 state at scene
12:20:00 Li notes on 1 "kitchen fire, out on arrival"
12:31:00 L12 reports returning
12:31:00 expect incident 1 units E11
12:35:00 Li closes 1 as handled - refused unit_attached: Units are still on this incident: E11. Recall them or wait until they are done.
12:52:10 E11 reports returning
12:53:00 Li closes 1 as handled
12:53:00 expect incident 1 band closed
13:04:00 L12 reports in station
13:05:00 E11 reports in station
13:05:00 expect unit E11 state in station
13:05:00 expect unit E11 overdue none
13:05:00 expect told "Opened: Fire, P1, life at risk, from: Alarm signal"
13:05:00 expect told "E11 at scene"
13:05:00 expect told "Li closed it: Handled"
