-- Every step that does not happen is said, once.
unit E11 pump
desk Li dispatcher

12:00:00 Li opens fire P1 at "Mill Road 4"
12:00:59 expect incident 1 overdue none
12:01:00 expect incident 1 overdue take
12:05:00 expect told "Not taken in time (due 12:01:00Z)"
12:05:00 Li takes 1
12:05:00 expect incident 1 overdue none
12:06:30 expect incident 1 overdue assign
12:10:00 Li sends E11 to 1
12:10:29 expect order E11 overdue none
12:10:30 expect order E11 overdue receipt
12:12:00 E11 receives
12:12:00 expect order E11 overdue none
12:13:00 expect order E11 overdue answer
12:14:00 E11 accepts
12:15:30 expect order E11 overdue start
12:16:00 Li reports for E11: under way
12:26:00 expect order E11 overdue arrival
12:30:00 E11 reports at scene
12:30:00 expect order E11 overdue none
13:00:00 E11 reports returning
13:30:00 expect incident 1 overdue close
13:30:00 expect told "Not closed in time (due 13:30:00Z)"
14:00:00 expect unit E11 overdue return
14:00:00 expect told "E11: Return overdue (due 14:00:00Z)"
14:05:00 E11 reports in station
14:05:00 expect unit E11 overdue none
14:06:00 Li closes 1 as handled
18:00:00 expect told "Not taken in time (due 12:01:00Z)"
18:00:00 expect told "E11: No receipt (due 12:10:30Z)"
18:00:00 expect told "E11: No answer (due 12:13:00Z)"
18:00:00 expect told "E11: Not under way in time (due 12:15:30Z)"
18:00:00 expect told "E11: Not at scene in time (due 12:26:00Z)"
18:00:00 expect incident 1 overdue none
