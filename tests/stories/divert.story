-- Two desks want one engine; the second sees who was first, and diverts it for the life at risk.
unit E11 pump
unit A31 ambulance
desk Li dispatcher
desk Ann dispatcher

12:00:00 Li opens fire P4 at "Allotment Path 1"
12:00:10 Li sends E11 to 1
12:01:00 E11 reports under way
12:02:00 Ann opens fire P1 at "Mill Road 4"
12:02:05 Ann sends E11 to 2 - refused unit_busy: E11 was sent by Li at 12:00:10Z and is on an order.
12:02:11 Ann sends E11 to 2, diverting
12:02:11 expect incident 1 units none
12:02:11 expect incident 2 units E11
12:02:11 expect unit E11 state ordered
12:02:11 expect told "E11 off: diverted"
-- The loser is asked to send another one, in its own time: 30 minutes for a P4.
12:32:10 expect incident 1 overdue none
12:32:11 expect incident 1 overdue assign
-- A patient on board is never diverted.
12:40:00 Li opens medical P2 at "Park Lane 9"
12:40:05 Li sends A31 to 3
12:50:00 A31 reports at scene
13:00:00 A31 reports transporting
13:00:30 Ann sends A31 to 2, diverting - refused unit_busy
13:10:00 A31 reports available
13:10:30 Ann sends A31 to 2
13:10:30 expect incident 2 units E11 A31
