-- A crew cannot go: the unit is free again, and the desk must send another.
unit E11 pump
unit E12 pump
desk Kim call_taker
desk Li dispatcher

12:00:00 Kim opens fire P1 at "Harbour Street 2"
12:00:04 Kim sends E11 to 1 - refused not_allowed: Your role may not do this.
12:00:09 Li sends E11 to 1
12:00:09 expect incident 1 taken by name Li
12:00:12 E11 receives
12:00:20 E11 refuses: vehicle_defect
12:00:20 expect unit E11 state in station
12:00:20 expect order E11 state refused
12:00:20 expect told "E11 refused: Vehicle defect"
12:00:20 expect incident 1 units none
12:00:20 expect incident 1 band unassigned
12:00:20 expect told "E11 off: refused"
12:00:21 E11 accepts - refused order_ended: The order to E11 has ended.
-- Nobody looks for 90 seconds.
12:01:50 expect incident 1 overdue assign
12:01:55 E11 is out of service: breakdown
12:01:58 Li sends E11 to 1 - refused unit_out_of_service: E11 is out of service: breakdown.
12:02:00 Li sends E12 to 1
12:02:00 expect incident 1 overdue none
12:02:30 E12 reports under way
12:02:31 E12 refuses: other - refused order_step_impossible: This step cannot follow the present state, Under way.
